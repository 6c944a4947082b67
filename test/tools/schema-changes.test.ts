import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

const tool = fileURLToPath(new URL("../../tools/schema-changes.mjs", import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "schema-changes-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function compare(released: string, next: string, changelog: string): Promise<object> {
  await writeFile(join(folder, "schema.released.graphql"), released);
  await writeFile(join(folder, "schema.graphql"), next);
  await writeFile(join(folder, "CHANGELOG.md"), changelog);
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, folder], { encoding: "utf8" });
  return { status, stdout, stderr };
}

const released = "type Query { stock: Int, total: Int }";

describe("a change of the schema", () => {
  test("passes where no document can break", async () => {
    expect(await compare(released, "type Query { stock: Int!, total: Int, new: Int }", "# Changes\n")).toEqual({
      status: 0,
      stdout: "No breaking change.\n",
      stderr: "",
    });
  });

  test("is refused where one can, and CHANGELOG.md doesn't say so of the version to come", async () => {
    const refused = {
      status: 1,
      stdout: "",
      stderr: "Breaking, and not in CHANGELOG.md: - Query.total was removed.\n",
    };
    const removed = "type Query { stock: Int }";
    const line = "### Breaking\n\n- Query.total was removed.\n";
    expect(await compare(released, removed, "# Changes\n")).toEqual(refused);
    expect(await compare(released, removed, `## Unreleased\n\n## 0.1.0\n\n${line}`)).toEqual(refused);
    expect(await compare(released, removed, `## Unreleased\n\n### Added\n\n- Query.total was removed.\n`)).toEqual(
      refused,
    );
    expect(await compare(released, removed, `## Unreleased\n\n${line}\n## 0.1.0\n`)).toEqual({
      status: 0,
      stdout: "1 breaking, all of them declared.\n",
      stderr: "",
    });
  });

  test("that may surprise a client is said", async () => {
    const [before, after] = ["A B", "A B C"].map((values) => `enum E { ${values} } type Query { e: E }`);
    expect(await compare(before ?? "", after ?? "", "")).toEqual({
      status: 0,
      stdout: "Mind: C was added to enum type E.\nNo breaking change.\n",
      stderr: "",
    });
  });
});
