import { expect, test } from "@jest/globals";
import { nestsTooDeep } from "../src/json-depth.ts";

const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["a hundred lists", lists(100), false],
  ["one more", lists(101), true],
  ["a hundred lists and objects in turn", `${'[{"a":'.repeat(50)}1${"}]".repeat(50)}`, false],
  ["one more around them", `[${'[{"a":'.repeat(50)}1${"}]".repeat(50)}]`, true],
  ["a thousand lists beside each other", `[${"[],".repeat(1_000)}[]]`, false],
  ["a thousand brackets in a text", JSON.stringify("[{".repeat(500)), false],
  ["brackets in a name", `{${JSON.stringify("[".repeat(200))}:1}`, false],
  ["brackets after an escaped quote", JSON.stringify(`"${"[".repeat(200)}`), false],
  ["lists after a text that ends in a backslash", `["\\\\",${lists(100)}]`, true],
  ["lists after a text that ends in an escaped quote", String.raw`["a\\\"",${lists(100)}]`, true],
  ["lists after an empty text", `["",${lists(100)}]`, true],
  ["a text that has no end", `["${"[".repeat(200)}`, false],
  ["nothing", "", false],
])("tells what is nested deeper than a hundred levels: %s", (_what, text, expected) => {
  expect(nestsTooDeep(text)).toBe(expected);
});
