import { expect, test } from "@jest/globals";
import { toStorageError } from "../../src/database/errors.ts";
import type { SettlementPhase } from "../../src/database/errors.ts";
import type { StorageError } from "../../src/inventory/storage.ts";

/** What an error with this SQLSTATE means in each phase. */
const meanings: readonly [string, string | null, Readonly<Record<SettlementPhase, StorageError["kind"]>>][] = [
  ["a deadlock", "40P01", { statements: "transient", write: "transient", commit: "transient" }],
  ["a serialization failure", "40001", { statements: "transient", write: "transient", commit: "transient" }],
  ["a row that was made meanwhile", "23505", { statements: "transient", write: "transient", commit: "transient" }],
  ["a lock that was not granted", "55P03", { statements: "held", write: "held", commit: "unknown" }],
  ["a statement that was cancelled", "57014", { statements: "transient", write: "transient", commit: "unknown" }],
  ["a full disk", "53100", { statements: "transient", write: "transient", commit: "unknown" }],
  ["a value that a CHECK refuses", "23514", { statements: "fault", write: "fault", commit: "fault" }],
  // What poolers say when they have lost the session behind them.
  ["a lost connection", null, { statements: "transient", write: "unknown", commit: "unknown" }],
  ["a connection exception", "08P01", { statements: "transient", write: "unknown", commit: "unknown" }],
  ["a session that was ended", "57P01", { statements: "transient", write: "unknown", commit: "unknown" }],
  ["a system error", "58000", { statements: "transient", write: "unknown", commit: "unknown" }],
  ["an internal error", "XX000", { statements: "fault", write: "unknown", commit: "unknown" }],
];

test.each(meanings)("%s (%s) means for what was written what its phase makes of it", (what, code, kinds) => {
  const kindIn = (phase: SettlementPhase): StorageError["kind"] =>
    toStorageError(Object.assign(new Error(what), { code }), phase).kind;
  expect({ statements: kindIn("statements"), write: kindIn("write"), commit: kindIn("commit") }).toEqual(kinds);
});

test("an error of the gateway's own is a fault until COMMIT may have been sent", () => {
  const error = new TypeError("not a function");
  expect(toStorageError(error, "statements").kind).toBe("fault");
  expect(toStorageError(error, "write").kind).toBe("unknown");
  expect(toStorageError(error, "commit").kind).toBe("unknown");
});
