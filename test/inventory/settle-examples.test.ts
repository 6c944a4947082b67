import { describe, expect, test } from "@jest/globals";
import type { CreateStockTransaction } from "../../src/inventory/commands.ts";
import { settle } from "../../src/inventory/settle.ts";
import { spentKeyOf } from "../../src/inventory/settlement.ts";
import type { SettleState, Settlement } from "../../src/inventory/settlement.ts";
import type { StockTransaction } from "../../src/inventory/stock-transaction.ts";
import type { StockRecord } from "../../src/inventory/stock.ts";

const now = new Date("2026-11-24T10:00:00.000Z");
const earlier = new Date("2026-11-24T09:00:00.000Z");

const tenApples: StockRecord = {
  productId: "apple",
  available: 10,
  allocated: 0,
  version: 3,
  tracked: true,
  createdAt: earlier,
  updatedAt: earlier,
};

function allocate(quantity: number, more: Partial<CreateStockTransaction> = {}): CreateStockTransaction {
  return {
    kind: "create-stock-transaction",
    id: "01a20aec-df00-75e9-9ba5-d3a6892db3b9",
    clientId: "warehouse",
    productId: "apple",
    action: "ALLOCATE",
    quantity,
    idempotencyKey: null,
    expectedVersion: null,
    reason: null,
    reference: null,
    note: null,
    fingerprint: `ALLOCATE ${quantity}`,
    ...more,
  };
}

function settleAlone(command: CreateStockTransaction, state: Partial<SettleState> = {}): Settlement {
  const stocks = new Map([["apple", tenApples]]);
  return settle(
    { stocks, spentKeys: new Map(), resolved: new Map(), ...state },
    [{ policy: "EACH", commands: [command] }],
    now,
  );
}

const nothing = { stocks: [], transactions: [], deletions: [], spentKeys: [] };

describe("settle", () => {
  test("records an accepted command with the levels right after it", () => {
    const settlement = settleAlone(allocate(4, { reason: "RESERVED", reference: "PO-7", note: "call first" }));
    const transaction: StockTransaction = {
      id: "01a20aec-df00-75e9-9ba5-d3a6892db3b9",
      productId: "apple",
      action: "ALLOCATE",
      quantity: 4,
      availableAfter: 6,
      allocatedAfter: 4,
      version: 4,
      reason: "RESERVED",
      reference: "PO-7",
      note: "call first",
      actor: "warehouse",
      idempotencyKey: null,
      createdAt: now,
    };
    expect(settlement).toEqual({
      outcomes: [[{ kind: "applied", transaction, replayed: false }]],
      stocks: [{ stock: { ...tenApples, available: 6, allocated: 4, version: 4, updatedAt: now }, versionBefore: 3 }],
      transactions: [transaction],
      deletions: [],
      spentKeys: [],
    });
  });

  test("refuses with the levels that it was decided on, and writes nothing", () => {
    const refusal = {
      code: "INSUFFICIENT_STOCK",
      productId: "apple",
      action: "ALLOCATE",
      requested: 11,
      available: 10,
      allocated: 0,
      version: 3,
    };
    expect(settleAlone(allocate(11))).toEqual({
      outcomes: [[{ kind: "refused", refusal, replayed: false }]],
      ...nothing,
    });
  });

  test("refuses F04's second line on what the first one left, and applies neither", () => {
    const lines = [allocate(6), allocate(6, { id: "01a20aec-df00-75e9-9ba5-d3a6892db3ba" })];
    const state = { stocks: new Map([["apple", tenApples]]), spentKeys: new Map(), resolved: new Map() };
    const settlement = settle(state, [{ policy: "ALL_OR_NOTHING", commands: lines }], now);
    const common = { productId: "apple", action: "ALLOCATE", requested: 6 };
    expect(settlement).toEqual({
      outcomes: [
        [
          {
            kind: "refused",
            refusal: { code: "BATCH_NOT_APPLIED", ...common, available: 10, allocated: 0, version: 3 },
            replayed: false,
          },
          {
            kind: "refused",
            refusal: { code: "INSUFFICIENT_STOCK", ...common, available: 4, allocated: 6, version: 4 },
            replayed: false,
          },
        ],
      ],
      ...nothing,
    });
  });

  test("answers a command that an unacknowledged attempt had applied with what that attempt wrote, as its first outcome", () => {
    const command = allocate(4, { idempotencyKey: "k" });
    const first = settleAlone(command);
    const outcome = first.outcomes[0]?.[0];
    if (outcome === undefined) throw new Error("no outcome");
    const resolved = new Map([[command.id, outcome]]);
    expect(settleAlone(command, { resolved })).toEqual({ outcomes: [[{ ...outcome, replayed: false }]], ...nothing });
  });

  test("answers a key spent by the very same attempt as new, and one spent by an earlier request as replayed", () => {
    const command = allocate(11, { idempotencyKey: "k" });
    const first = settleAlone(command);
    const spentKeys = new Map(
      first.spentKeys.map((spent) => [spentKeyOf(spent.clientId, spent.idempotencyKey), spent]),
    );
    const restocked = new Map([["apple", { ...tenApples, available: 100 }]]);
    const again = settleAlone(command, { spentKeys, stocks: restocked });
    expect(again).toEqual({ outcomes: first.outcomes, ...nothing });

    const retried = settleAlone(
      { ...command, id: "01a20aec-df00-75e9-9ba5-d3a6892db3bb" },
      { spentKeys, stocks: restocked },
    );
    expect(retried).toEqual({ outcomes: [[{ ...first.outcomes[0]?.[0], replayed: true }]], ...nothing });
  });
});
