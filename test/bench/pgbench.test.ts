import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { LedgerCheck } from "../../bench/ledger-check.ts";
import { installMoveStock } from "../../bench/move-stock.ts";
import { latenciesOf, parsePgbenchOutput } from "../../bench/pgbench.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let prisma: ReturnType<typeof createPrisma>;

beforeAll(async () => {
  database = await createDatabase();
  await installMoveStock(database.url);
  prisma = createPrisma(database.url, { name: "test", poolSize: 2, preparesStatements: false });
});

afterAll(async () => {
  await prisma.$disconnect();
  await database.drop();
});

test("what pgbench is measured with does a gateway's work: levels, versions and the ledger agree, and nothing is oversold", async () => {
  const ledger = await LedgerCheck.open(database.url);
  const inventory = new Inventory(new GroupCommit(new PrismaInventoryStorage(prisma)));
  const productId = randomUUID();
  const rest = { idempotencyKey: null, expectedVersion: null, reason: null, reference: null, note: null };
  await inventory.createStockTransaction("bench", { productId, action: "INCREMENT", quantity: 10, ...rest });
  const move = (action: string, quantity: number) =>
    prisma.$queryRaw<object[]>`
      SELECT version, available_after, allocated_after FROM move_stock(${productId}, ${action}::stock_action, ${quantity}::int)`;
  const answers = [];
  for (const [action, quantity] of [
    ["INCREMENT", 5],
    ["ALLOCATE", 7],
    ["DEALLOCATE", 3],
    ["DECREMENT", 11],
  ] as const)
    answers.push(...(await move(action, quantity)));
  expect(answers).toEqual([
    { version: 2, available_after: 15, allocated_after: 0 },
    { version: 3, available_after: 8, allocated_after: 7 },
    { version: 4, available_after: 11, allocated_after: 4 },
    { version: 5, available_after: 0, allocated_after: 4 },
  ]);
  await expect(move("DECREMENT", 1)).rejects.toThrow("INSUFFICIENT_STOCK");
  await expect(move("DEALLOCATE", 5)).rejects.toThrow("INSUFFICIENT_STOCK");
  await ledger.verify(5, 0);
  await ledger.close();
});

test("reads pgbench's summary", () => {
  const summary = [
    "transaction type: script.sql",
    "number of transactions actually processed: 27000",
    "number of failed transactions: 0 (0.000%)",
    "latency average = 5.9 ms",
    "tps = 5400.000000 (without initial connection time)",
  ];
  expect(parsePgbenchOutput(summary.join("\n"))).toEqual({ answers: 27_000, seconds: 5 });
  expect(() =>
    parsePgbenchOutput(summary.join("\n").replace("failed transactions: 0", "failed transactions: 3")),
  ).toThrow("3 transactions of pgbench failed");
  expect(() => parsePgbenchOutput("")).toThrow("pgbench printed no figures");
});

test("reads pgbench's log, a line a transaction", () => {
  const log = Array.from({ length: 100 }, (_, index) => `0 ${index} ${(index + 1) * 1_000} 0 1700000000 12\n`).join("");
  expect(latenciesOf(log).p50Ms).toBeCloseTo(50, 0);
  expect(latenciesOf(log).p99Ms).toBeCloseTo(99, 0);
});
