import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the program, and asks for what graphql has loaded by its end: with or without the checks for developers. */
function runWith(environment: NodeJS.ProcessEnv): string {
  const ask = `
    import { createRequire } from "node:module";
    process.once("exit", () => {
      const { instanceOf } = createRequire("${packageRoot}")("graphql/jsutils/instanceOf.js");
      process.stderr.write(process.env.NODE_ENV + " " + (String(instanceOf).includes("toStringTag") ? "checks" : "no checks"));
    });`;
  const hook = `data:text/javascript,${encodeURIComponent(ask)}`;
  const options = { cwd: packageRoot, env: environment, encoding: "utf8" } as const;
  const { stderr } = spawnSync(process.execPath, ["--import", hook, "dist/main.js", "--help"], options);
  return stderr;
}

test("what is built runs without its libraries' checks for developers, unless they are asked for", () => {
  expect(runWith({})).toBe("production no checks");
  expect(runWith({ NODE_ENV: "development" })).toBe("development checks");
});
