import { describe, expect, test } from "@jest/globals";
import type { History, HistoryOperation, Step } from "../../torture/check/history.ts";
import { findContradiction } from "../../torture/check/linearizability.ts";
import { settle } from "../../src/inventory/settle.ts";
import type { StockAction } from "../../src/inventory/actions.ts";
import type { StockRecord } from "../../src/inventory/stock.ts";
import type { Line, LineOutcome } from "../../torture/load/operation.ts";
import { Random } from "../../torture/random.ts";

const unanswered = Number.POSITIVE_INFINITY;

function line(action: StockAction, quantity: number): Line {
  return { reference: action, productId: "p", action, quantity, idempotencyKey: null, expectedVersion: null };
}

function applied(version: number, availableAfter: number, allocatedAfter = 0): LineOutcome {
  return { kind: "applied", id: "id", version, availableAfter, allocatedAfter };
}

function refused(version: number, available: number | null, allocated: number | null = available && 0): LineOutcome {
  return { kind: "refused", code: "INSUFFICIENT_STOCK", status: 422, seen: { available, allocated, version } };
}

/** One stock transaction between two instants. */
function move(between: readonly [number, number], asked: Line, told: LineOutcome | null): HistoryOperation {
  return operation(between, { kind: "lines", policy: "EACH", lines: [asked], told: told === null ? null : [told] });
}

function operation([invokedAt, respondedAt]: readonly [number, number], step: Step): HistoryOperation {
  return { name: `the one sent at ${invokedAt}`, invokedAt, respondedAt, step };
}

function contradictionOf(operations: readonly HistoryOperation[], deletedAt: readonly number[] = []): string | null {
  const history: History = { productId: "p", operations, deletedAt: new Set(deletedAt) };
  return findContradiction(history);
}

/** Five in stock after the first two instants. */
const opening = move([0, 1], line("INCREMENT", 5), applied(1, 5));

describe("explains", () => {
  test("operations one after another, and ones at the same time in the order of their versions", () => {
    const concurrent = [
      move([10, 20], line("DECREMENT", 1), applied(3, 2)),
      move([11, 19], line("DECREMENT", 2), applied(2, 3)),
    ];
    expect(contradictionOf([opening, ...concurrent])).toBeNull();
  });

  test("a refusal and a read between two versions, wherever one of their time can have been", () => {
    const others = [
      move([10, 20], line("DECREMENT", 5), applied(2, 0)),
      move([10, 40], line("ALLOCATE", 1), refused(2, 0)),
      move([30, 50], line("INCREMENT", 9), applied(3, 9)),
      operation([30, 50], { kind: "read", told: { available: 0, allocated: 0, version: 2 } }),
    ];
    expect(contradictionOf([opening, ...others])).toBeNull();
  });

  test("a version that nobody was told of by an operation that was not answered, and leaves out one that did nothing", () => {
    const others = [
      move([10, unanswered], line("INCREMENT", 7), null),
      move([10, unanswered], line("DECREMENT", 2), null),
      move([20, 30], line("DECREMENT", 1), applied(3, 2)),
    ];
    expect(contradictionOf([opening, ...others])).toBeNull();
  });

  test("a read by an operation that was not answered and stands last", () => {
    const others = [
      move([10, unanswered], line("INCREMENT", 7), null),
      operation([20, 30], { kind: "read", told: { available: 12, allocated: 0, version: 2 } }),
    ];
    expect(contradictionOf([opening, ...others])).toBeNull();
  });

  test("a product that was deleted, and came back with its version", () => {
    const others = [
      operation([10, 20], { kind: "delete", told: { available: 5, allocated: 0, version: 1 } }),
      operation([10, 30], { kind: "read", told: null }),
      move([22, 30], line("CREATE", 3), applied(2, 3)),
      operation([40, 50], { kind: "delete", told: null }),
    ];
    expect(contradictionOf([opening, ...others], [1, 2])).toBeNull();
  });

  test("a batch that was not applied for the sake of another product's line", () => {
    const lines = [line("ALLOCATE", 6), line("ALLOCATE", 1)];
    const told: LineOutcome[] = [
      refused(1, 5),
      { kind: "refused", code: "BATCH_NOT_APPLIED", status: 424, seen: { available: 5, allocated: 0, version: 1 } },
    ];
    const batch = operation([10, 20], { kind: "lines", policy: "ALL_OR_NOTHING", lines, told });
    expect(contradictionOf([opening, batch])).toBeNull();
  });
});

describe("finds", () => {
  test("a version that was answered before an earlier one was sent", () => {
    const others = [
      move([10, 20], line("DECREMENT", 1), applied(3, 2)),
      move([30, 40], line("DECREMENT", 2), applied(2, 3)),
    ];
    expect(contradictionOf([opening, ...others])).toBe(
      "the one sent at 10 was answered before one that stands before it was sent",
    );
  });

  test("levels that are not what the ones before it left: a lost update", () => {
    const others = [
      move([10, 20], line("DECREMENT", 1), applied(2, 4)),
      move([10, 20], line("DECREMENT", 2), applied(3, 3)),
    ];
    expect(contradictionOf([opening, ...others])).toBe("the one sent at 10 was told what can't be after 2");
  });

  test("the last unit sold twice", () => {
    const others = [
      move([10, 20], line("DECREMENT", 5), applied(2, 0)),
      move([10, 20], line("DECREMENT", 5), applied(2, 0)),
    ];
    expect(contradictionOf([opening, ...others])).toBe("Version 2 was given twice");
  });

  test("a version that nobody made", () => {
    expect(contradictionOf([opening, move([10, 20], line("DECREMENT", 1), applied(3, 1))])).toBe(
      "Nothing explains version 2, before the one sent at 10",
    );
  });

  test("a version that only one could have made that was sent too late", () => {
    const others = [
      move([10, 20], line("DECREMENT", 1), applied(3, 2)),
      move([30, unanswered], line("DECREMENT", 2), null),
    ];
    expect(contradictionOf([opening, ...others])).toBe(
      "the one sent at 10 was answered before one that stands before it was sent",
    );
  });

  test("a refusal for lack of what was there all the time", () => {
    const late = move([10, 20], line("ALLOCATE", 4), { kind: "refused", code: null, status: 422, seen: null });
    expect(contradictionOf([opening, late])).toBe(
      "the one sent at 10 was told what was so at no time between versions 1 and 1",
    );
  });

  test("a refusal by levels that were gone when it was sent", () => {
    const others = [
      move([10, 20], line("DECREMENT", 5), applied(2, 0)),
      move([12, 22], line("INCREMENT", 9), applied(3, 9)),
      move([30, 40], line("ALLOCATE", 1), refused(2, 0)),
    ];
    expect(contradictionOf([opening, ...others])).toBe(
      "the one sent at 30 was told what was so at no time between versions 3 and 3",
    );
  });

  test("two reads of which the later one saw the earlier state", () => {
    const others = [
      move([10, 60], line("DECREMENT", 1), applied(2, 4)),
      operation([20, 30], { kind: "read", told: { available: 4, allocated: 0, version: 2 } }),
      operation([40, 50], { kind: "read", told: { available: 5, allocated: 0, version: 1 } }),
    ];
    expect(contradictionOf([opening, ...others])).toBe(
      "the one sent at 40 was told what was so at no time between versions 2 and 2",
    );
  });

  test("a deletion that is gone, and one that nobody asked for", () => {
    const deletion = operation([10, 20], { kind: "delete", told: { available: 5, allocated: 0, version: 1 } });
    expect(contradictionOf([opening, deletion])).toBe("The deletion of version 1 is lost");
    expect(contradictionOf([opening], [1])).toBe("Nobody deleted version 1");
  });

  test("half a batch that was to be all or nothing", () => {
    const lines = [line("ALLOCATE", 1), line("ALLOCATE", 9)];
    const told = [applied(2, 4, 1), refused(2, 4, 1)];
    const batch = operation([10, 20], { kind: "lines", policy: "ALL_OR_NOTHING", lines, told });
    expect(contradictionOf([opening, batch])).not.toBeNull();
  });
});

/** A history that was made one after another, with times that overlap; some operations were not answered. */
function randomHistory(random: Random): HistoryOperation[] {
  const operations: HistoryOperation[] = [];
  let state: StockRecord | null = null;
  for (let instant = 10; instant < 800; instant += 10) {
    const asked = line(random.pick(["INCREMENT", "DECREMENT", "ALLOCATE", "DEALLOCATE"]), random.integer(1, 9));
    const command = { ...asked, kind: "create-stock-transaction", id: `${instant}`, clientId: "c" } as const;
    const rest = { fingerprint: "", reason: null, note: null };
    const stocks: ReadonlyMap<string, StockRecord> = new Map(state === null ? [] : [["p", state]]);
    const batch = { policy: "EACH", commands: [{ ...command, ...rest }] } as const;
    const settlement = settle({ stocks, spentKeys: new Map(), resolved: new Map() }, [batch], new Date(0));
    const outcome = settlement.outcomes[0]?.[0];
    state = settlement.stocks[0]?.stock ?? state;
    const invokedAt = instant - random.integer(0, 60);
    if (outcome === undefined || outcome.kind === "deleted") throw new Error("There is no outcome");
    const told: LineOutcome =
      outcome.kind === "applied"
        ? applied(outcome.transaction.version, outcome.transaction.availableAfter, outcome.transaction.allocatedAfter)
        : { kind: "refused", code: outcome.refusal.code, status: 422, seen: outcome.refusal };
    const isAnswered = random.percent(93);
    operations.push(
      move([invokedAt, isAnswered ? instant + random.integer(0, 60) : unanswered], asked, isAnswered ? told : null),
    );
  }
  return operations;
}

describe("of histories made at random", () => {
  const random = new Random("histories");

  test("explains each that came about one after another, however the times overlap", () => {
    for (let round = 0; round < 50; round += 1) expect(contradictionOf(randomHistory(random))).toBeNull();
  });

  test("finds each in which one answer was changed, or one operation moved to where it can't have been", () => {
    for (let round = 0; round < 50; round += 1) {
      const operations = randomHistory(random);
      const answered = operations.filter(({ step }) => step.kind === "lines" && step.told?.[0]?.kind === "applied");
      const chosen = answered[random.integer(1, answered.length - 2)];
      const [told] = chosen?.step.kind === "lines" ? (chosen.step.told ?? []) : [];
      if (chosen?.step.kind !== "lines" || told?.kind !== "applied") throw new Error("There is nothing to change");
      const levels = { ...told, availableAfter: (told.availableAfter ?? 0) + 1 };
      const changed = { ...chosen, step: { ...chosen.step, told: [levels] } };
      const moved = { ...chosen, invokedAt: 2_000, respondedAt: 2_001 };
      for (const other of [changed, moved])
        expect(contradictionOf(operations.map((one) => (one === chosen ? other : one)))).not.toBeNull();
    }
  });
});
