import { expect, test } from "@jest/globals";
import { createAssortment, Workload } from "../../torture/load/workload.ts";
import type { Operation } from "../../torture/load/operation.ts";
import { Random } from "../../torture/random.ts";

function operationsOf(seed: string): Operation[] {
  const workload = new Workload("client", createAssortment("round-"), new Random(seed));
  return Array.from({ length: 500 }, () => workload.next());
}

test("the same seed gives the same commands, another one others", () => {
  expect(operationsOf("a")).toEqual(operationsOf("a"));
  expect(operationsOf("a")).not.toEqual(operationsOf("b"));
});

test("every way of asking comes up, and every line has a reference of its own", () => {
  const operations = operationsOf("a");
  const kinds = operations.map((operation) => (operation.kind === "batch" ? operation.policy : operation.kind));
  expect(new Set(kinds)).toEqual(new Set(["graphql", "rest", "EACH", "ALL_OR_NOTHING", "read", "delete"]));
  const references = operations.flatMap(({ lines }) => lines.map(({ reference }) => reference));
  expect(new Set(references).size).toBe(references.length);
});
