import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const tests = new URL("../", import.meta.url);

/** The ids in the names of tests: of all files whose name says that they are one. */
function testedIds(): ReadonlySet<string> {
  const files = readdirSync(tests, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
  const texts = files.map((name) => readFileSync(new URL(name, tests), "utf8"));
  // A name is the first text of a call, or of a row of a table.
  const names = texts.flatMap((text) => text.match(/(?:[([]|^)\s*["'`]B\d\d[^\n]*/gm) ?? []);
  return new Set(names.flatMap((name) => name.match(/\bB\d\d\b/g) ?? []));
}

test("every line of the list of bad inputs has a test that is named by its id, and no test an id that is not there", () => {
  const list = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const ids = [...list.matchAll(/^\| (B\d\d) \|/gm)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(40);
  expect([...testedIds()].toSorted()).toEqual(ids);
});
