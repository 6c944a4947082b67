import { describe, expect, test } from "@jest/globals";
import type { LedgerEntry } from "../../src/inventory/ledger.ts";
import { RecentEntries } from "../../src/inventory/recent-entries.ts";

const entry = (position: number, productId = "a"): LedgerEntry => ({
  position: BigInt(position),
  cursor: `cursor ${position}`,
  node: {
    id: `id ${position}`,
    productId,
    action: "INCREMENT",
    quantity: 1,
    availableAfter: 1,
    allocatedAfter: 0,
    version: 1,
    reason: null,
    reference: null,
    note: null,
    actor: "client",
    idempotencyKey: null,
    createdAt: new Date(0),
  },
});

const entries = (from: number, count: number): LedgerEntry[] =>
  Array.from({ length: count }, (_, index) => entry(10 * (from + index)));

describe("RecentEntries", () => {
  test("has all after the place that its tail begins at, and none of before", () => {
    const recent = new RecentEntries({ entries: [entry(20), entry(30)], after: 15n });
    expect([14n, 15n, 20n, 99n].map((position) => recent.hasAllAfter(position))).toEqual([false, true, true, true]);
    expect(recent.upTo).toBe(30n);
  });

  test("of an empty ledger has everything", () => {
    const recent = new RecentEntries({ entries: [], after: 0n });
    expect(recent.hasAllAfter(0n)).toBe(true);
    expect(recent.upTo).toBe(0n);
    expect(recent.findAfter(0n, null)).toBeNull();
  });

  test("finds the next entry after any place, of any product or of some", () => {
    const recent = new RecentEntries({ entries: [entry(10, "a"), entry(20, "b"), entry(30, "a")], after: 0n });
    const find = (position: bigint, productIds: ReadonlySet<string> | null): bigint | undefined =>
      recent.findAfter(position, productIds)?.position;
    expect([0n, 9n, 10n, 15n, 20n, 30n].map((position) => find(position, null))).toEqual([
      10n,
      10n,
      20n,
      20n,
      30n,
      undefined,
    ]);
    expect(find(0n, new Set(["b"]))).toBe(20n);
    expect(find(20n, new Set(["b"]))).toBeUndefined();
    expect(find(0n, new Set())).toBeUndefined();
  });

  test("forgets the oldest when there are too many, and says that it has", () => {
    const recent = new RecentEntries({ entries: [], after: 0n });
    for (let from = 1; from <= 9_000; from += 1_000) recent.append(entries(from, 1_000));
    expect(recent.upTo).toBe(90_000n);
    expect(recent.hasAllAfter(0n)).toBe(false);
    const oldest = [...Array(9_000).keys()]
      .map((index) => BigInt(10 * index))
      .find((place) => recent.hasAllAfter(place));
    expect(oldest).toBe(28_560n);
    expect(recent.findAfter(28_560n, null)?.position).toBe(28_570n);
  });
});
