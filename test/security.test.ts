import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const root = new URL("../", import.meta.url);

test("every file that SECURITY.md names as its witness is there, and every attack has one", () => {
  const text = readFileSync(new URL("SECURITY.md", root), "utf8");
  const names = [...text.matchAll(/`((?:src|test)\/[^`]+)`/g)].map(([, name = ""]) => name);
  expect(names.filter((name) => !existsSync(new URL(name, root)))).toEqual([]);
  const section = text.slice(text.indexOf("## Who attacks"), text.indexOf("## What the gateway relies on"));
  const rows = section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| who |"));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((row) => !row.includes("`test/"))).toEqual([]);
});
