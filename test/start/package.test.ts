import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { flaws } from "../../torture/controls/flaws.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { Run } from "./support.ts";

const run = promisify(execFile);
const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ migrated: false });
  folder = await mkdtemp(join(tmpdir(), "package-"));
  // Its scripts would build what is built, and the dependencies are those of this tree.
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: packageRoot });
  await run("sh", ["-c", `tar xzf ${folder}/*.tgz -C ${folder}`]);
  await symlink(join(packageRoot, "node_modules"), join(folder, "package/node_modules"));
});

afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function packedFiles(): Promise<readonly string[]> {
  const { stdout } = await run("sh", [
    "-c",
    `cd ${folder}/package && find . -path ./node_modules -prune -o -type f -print`,
  ]);
  return stdout.trim().split("\n");
}

test("what is packed holds the program and all that it reads, and nothing of how it is made", async () => {
  const files = await packedFiles();
  for (const needed of ["./dist/main.js", "./dist/console/index.html", "./prisma/schema.prisma", "./schema.graphql"])
    expect(files).toContain(needed);
  expect(files.filter((file) => /^\.\/(src|test|bench|torture|tools|docs)\//.test(file))).toEqual([]);
});

test("npx runs it by its name", async () => {
  const { name, version, bin } = JSON.parse(await readFile(join(folder, "package/package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly bin: Readonly<Record<string, string>>;
  };
  // As npm does where it is installed.
  const bins = join(folder, "project/node_modules/.bin");
  await mkdir(bins, { recursive: true });
  await writeFile(join(folder, "project/package.json"), "{}");
  for (const [command, file] of Object.entries(bin)) {
    await chmod(join(folder, "package", file), 0o755);
    await symlink(join(folder, "package", file), join(bins, command));
  }
  const npx = async (...args: string[]): Promise<string> =>
    (await run("npx", ["--no-install", name, ...args], { cwd: join(folder, "project") })).stdout;
  expect(await npx("--version")).toBe(`${version}\n`);
  const help = await npx("--help");
  for (const command of ["start", "migrate", "client", "keys", "import", "export", "verify"])
    expect(help).toMatch(new RegExp(`^  ${command}\\b`, "m"));
});

test("nothing in it can be told to go wrong: it knows none of the flaws that the controls of `npm run torture` run with", async () => {
  const switches = flaws.filter((flaw) => flaw.includes("-"));
  expect(switches).toHaveLength(3);
  const programs = (await packedFiles()).filter((file) => file.startsWith("./dist/") && file.endsWith(".js"));
  expect(programs.length).toBeGreaterThan(100);
  for (const file of programs) {
    const text = await readFile(join(folder, "package", file), "utf8");
    expect([file, [...switches, "PlainStorage"].filter((word) => text.includes(word))]).toEqual([file, []]);
  }
});

test("it serves where nothing can be written, with its secrets from files, and stops when told", async () => {
  const secret = join(folder, "admin-client-secret");
  const url = join(folder, "database-url");
  await Promise.all([writeFile(secret, "0123456789abcdef\n"), writeFile(url, `${database.url}\n`)]);
  const child = spawn(process.execPath, [join(folder, "package/dist/main.js"), "start"], {
    cwd: "/proc",
    env: {
      PATH: process.env["PATH"],
      PORT: "0",
      WORKERS: "1",
      DATABASE_URL_FILE: url,
      ADMIN_CLIENT_ID: "admin",
      ADMIN_CLIENT_SECRET_FILE: secret,
      // The test server loses what it acknowledged, and may.
      UNSAFE_DATABASE: "allow",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const program = new Run(child);
  const address = await program.serving();
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
  expect((await fetch(`${address}/console`)).status).toBe(200);
  expect(await program.stop()).toBe(0);
});
