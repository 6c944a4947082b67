import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settings } from "../src/config.ts";
import { startTestGateway } from "./support/gateway.ts";
import type { TestGateway } from "./support/gateway.ts";

let readme: string;

beforeAll(async () => {
  readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
});

test("the README lists every setting with its default and description", () => {
  const rows = Object.entries(settings).map(
    ([name, setting]) =>
      `| \`${name}\` | ${setting.default === "" ? "–" : `\`${setting.default}\``} | ${setting.description} |`,
  );
  const section = readme.slice(readme.indexOf("## Settings"), readme.indexOf("## Limits"));
  const table = section.split("\n").filter((line) => line.startsWith("| `"));
  expect(table).toEqual(rows);
});

describe("the API in one screen", () => {
  let gateway: TestGateway;
  let folder: string;

  beforeAll(async () => {
    gateway = await startTestGateway();
    folder = await mkdtemp(join(tmpdir(), "readme-"));
    await writeFile(join(folder, "secret"), gateway.clientSecret);
  });

  afterAll(async () => {
    await gateway.close();
    await rm(folder, { recursive: true });
  });

  test("answers each command as it says", async () => {
    const screen = readme.slice(readme.indexOf("## The API in one screen"), readme.indexOf("| action |"));
    const commands = [...screen.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, command]) => forThisGateway(command ?? ""));
    const answers = [...screen.matchAll(/```json\n([\s\S]*?)```/g)].map(([, answer]): unknown =>
      JSON.parse(answer ?? ""),
    );
    expect([commands.length, answers.length]).toEqual([5, 4]);
    const [login = "", ...calls] = commands;
    for (const [index, call] of calls.entries()) {
      const { stdout } = await promisify(execFile)("bash", ["-ec", `${login}\n${call}`], { cwd: folder });
      const answer: unknown = JSON.parse(stdout.replaceAll(gateway.clientId, "admin"));
      expect(answer).toEqual(answers[index]);
    }
  });

  function forThisGateway(command: string): string {
    return command
      .replaceAll("http://127.0.0.1:4000", gateway.url)
      .replace("client_id=admin", `client_id=${gateway.clientId}`)
      .replace(".data/admin-client.secret", "secret");
  }
});
