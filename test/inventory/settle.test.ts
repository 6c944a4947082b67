import assert from "node:assert/strict";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { stockActions } from "../../src/inventory/actions.ts";
import type { Command, CommandBatch, CreateStockTransaction } from "../../src/inventory/commands.ts";
import { settle } from "../../src/inventory/settle.ts";
import { spentKeyOf } from "../../src/inventory/settlement.ts";
import type { SettleState, Settlement, SpentKey } from "../../src/inventory/settlement.ts";
import type { Outcome, StockTransaction } from "../../src/inventory/stock-transaction.ts";
import type { StockRecord } from "../../src/inventory/stock.ts";
import { ObviousModel } from "./obvious-model.ts";
import type { ModelAnswer } from "./obvious-model.ts";

/** What a database would hold after the settlements so far. */
class Store {
  readonly stocks = new Map<string, StockRecord>();
  readonly spentKeys = new Map<string, SpentKey>();
  readonly ledger: StockTransaction[] = [];

  settle(batches: readonly CommandBatch[], now: Date): Settlement {
    const state: SettleState = { stocks: this.stocks, spentKeys: this.spentKeys, resolved: new Map() };
    const settlement = settle(state, batches, now);
    for (const { stock, versionBefore } of settlement.stocks) {
      assert.equal(versionBefore, this.stocks.get(stock.productId)?.version ?? 0);
      this.stocks.set(stock.productId, stock);
    }
    for (const spent of settlement.spentKeys) {
      const key = spentKeyOf(spent.clientId, spent.idempotencyKey);
      assert(!this.spentKeys.has(key), `the key ${key} was spent twice`);
      this.spentKeys.set(key, spent);
    }
    this.ledger.push(...settlement.transactions);
    return settlement;
  }
}

function answerOf(outcome: Outcome): ModelAnswer {
  if (outcome.kind === "refused") return { code: outcome.refusal.code };
  if (outcome.kind === "deleted")
    return { code: "DELETED", available: outcome.stock.available, version: outcome.stock.version };
  const { id, availableAfter, allocatedAfter, version } = outcome.transaction;
  return { code: "APPLIED", id, available: availableAfter, allocated: allocatedAfter, version };
}

const productIds = ["apple", "pear", "quince"] as const;
const quantities = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_073_741_824, 2_147_483_646, 2_147_483_647) },
);

const stockTransactions = fc.record({
  kind: fc.constant("create-stock-transaction" as const),
  id: fc.uuid({ version: 7 }),
  clientId: fc.constantFrom("warehouse", "shop"),
  productId: fc.constantFrom(...productIds),
  action: fc.constantFrom(...stockActions),
  quantity: quantities,
  idempotencyKey: fc.option(fc.constantFrom("k1", "k2", "k3", "k4", "k5", "k6"), { freq: 3 }),
  expectedVersion: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 6 }),
  reason: fc.constantFrom(null, "SOLD" as const),
  reference: fc.constant(null),
  note: fc.constant(null),
});

const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 15,
    arbitrary: stockTransactions.map((command): CreateStockTransaction => ({
      ...command,
      fingerprint: fingerprintOf(command),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete-stock" as const),
      id: fc.uuid({ version: 7 }),
      clientId: fc.constant("warehouse"),
      productId: fc.constantFrom(...productIds),
      expectedVersion: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 4 }),
    }),
  },
);

/** Stands in for the hash: equal exactly when the arguments are. */
function fingerprintOf(command: Omit<CreateStockTransaction, "fingerprint">): string {
  const { productId, action, quantity, expectedVersion, reason } = command;
  return JSON.stringify([productId, action, quantity, expectedVersion, reason]);
}

const batches: fc.Arbitrary<CommandBatch> = fc.record({
  policy: fc.constantFrom("EACH" as const, "ALL_OR_NOTHING" as const),
  commands: fc.oneof(
    { weight: 4, arbitrary: fc.tuple(commands) },
    { weight: 1, arbitrary: fc.array(commands, { minLength: 2, maxLength: 5 }) },
  ),
});

const histories = fc.array(fc.array(batches, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });

function checkInvariants(store: Store, model: ObviousModel): void {
  for (const productId of productIds) {
    const stock = store.stocks.get(productId);
    const { tracked, available, allocated, version } = model.levels(productId);
    expect({
      tracked: stock?.tracked ?? false,
      available: stock?.available ?? 0,
      allocated: stock?.allocated ?? 0,
      version: stock?.version ?? 0,
    }).toEqual({ tracked, available, allocated, version });
    expect(available).toBeGreaterThanOrEqual(0);
    expect(allocated).toBeGreaterThanOrEqual(0);
    expect(available + allocated).toBeLessThanOrEqual(2_147_483_647);

    const history = store.ledger.filter((transaction) => transaction.productId === productId);
    expect(history.map((transaction) => transaction.version)).toEqual(history.map((_, index) => index + 1));
    expect(history.length).toBe(version);
    const dates = history.map(({ createdAt }) => createdAt.getTime());
    expect(dates).toEqual(dates.toSorted((a, b) => a - b));
    const { availableAfter = 0, allocatedAfter = 0 } = (tracked ? history.at(-1) : undefined) ?? {};
    expect({ availableAfter, allocatedAfter }).toEqual({ availableAfter: available, allocatedAfter: allocated });
  }
}

describe("settle", () => {
  test("answers random groups as if every command had come alone, one after another", () => {
    fc.assert(
      fc.property(histories, (groups) => {
        const store = new Store();
        const model = new ObviousModel();
        for (const [index, group] of groups.entries()) {
          // A clock that is set back now and then.
          const settlement = store.settle(group, new Date(1_800_000_000_000 + (index % 3) * 60_000));
          const expected = group.map((batch) => model.run(batch));
          expect(settlement.outcomes.map((outcomes) => outcomes.map(answerOf))).toEqual(expected);
          checkInvariants(store, model);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("gives every command of a history settled alone the same answer as settled in one group", () => {
    fc.assert(
      fc.property(fc.array(batches, { minLength: 1, maxLength: 25 }), (history) => {
        const now = new Date(1_800_000_000_000);
        const together = new Store();
        const alone = new Store();
        const model = new ObviousModel();
        const answers = together.settle(history, now).outcomes;
        for (const [index, batch] of history.entries()) {
          expect(alone.settle([batch], now).outcomes).toEqual([answers[index]]);
          model.run(batch);
          checkInvariants(alone, model);
        }
        expect(together.ledger).toEqual(alone.ledger);
        expect(together.stocks).toEqual(alone.stocks);
        expect(together.spentKeys).toEqual(alone.spentKeys);
      }),
      { numRuns: 1_000 },
    );
  });
});
