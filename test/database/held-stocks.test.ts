import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "pg";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import type { AppliedStockTransaction } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let inventory: Inventory;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const prisma = createPrisma(database.url, { poolSize: 3, name: "held stocks", preparesStatements: true });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma), { deadlineMs: 20_000 });
  inventory = new Inventory(groupCommit);
  closers.push(async () => {
    await groupCommit.close();
    await prisma.$disconnect();
  });
});

afterAll(async () => {
  for (const close of closers.toReversed()) await close();
  await database.drop();
});

/** Somebody else's transaction, which did this and does not end until it is told to. */
async function hold(statement: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query(statement);
  return async () => {
    await client.query("ROLLBACK");
    await client.end();
  };
}

const toIncrement = (productId: string) => parseStockTransactionInput({ productId, action: "INCREMENT", quantity: 1 });

function increment(productId: string): Promise<AppliedStockTransaction> {
  return inventory.createStockTransaction("a", toIncrement(productId));
}

function incrementAll(productIds: readonly string[]): ReturnType<Inventory["createStockTransactions"]> {
  return inventory.createStockTransactions("a", productIds.map(toIncrement), "ALL_OR_NOTHING");
}

async function versionOf(answer: Promise<AppliedStockTransaction>): Promise<number> {
  return (await answer).transaction.version;
}

test("a stock that somebody else holds keeps only those waiting who want it; they are settled in their order when it is free", async () => {
  for (const productId of ["held", "free", "also free"]) await increment(productId);
  const release = await hold("SELECT FROM stock WHERE product_id = 'held' FOR UPDATE");
  const waiting: Promise<number>[] = [];
  const answered: number[] = [];
  // All of them at once, so that they come into one group; then one after another, while the first still wait.
  const ask = (): void => {
    const answer = versionOf(increment("held"));
    waiting.push(answer.finally(() => answered.push(1)));
  };
  ask();
  ask();
  const first = await Promise.all(["free", "also free"].map((productId) => versionOf(increment(productId))));
  ask();
  const second: number[] = [];
  for (const productId of ["free", "also free"]) second.push(await versionOf(increment(productId)));
  expect([first, second, answered]).toEqual([[2, 2], [3, 3], []]);
  await release();
  expect(await Promise.all(waiting)).toEqual([2, 3, 4]);
  expect(await versionOf(increment("held"))).toBe(5);
});

test("a batch waits as a whole for one of its stocks, and is applied once", async () => {
  for (const productId of ["in a batch", "beside it"]) await increment(productId);
  const release = await hold("SELECT FROM stock WHERE product_id = 'in a batch' FOR UPDATE");
  const batch = incrementAll(["beside it", "in a batch"]);
  expect(await versionOf(increment("beside it"))).toBe(2);
  await release();
  const versions = (await batch).map((outcome) => outcome.kind === "applied" && outcome.transaction.version);
  expect(versions).toEqual([3, 2]);
});

test("while a batch waits for one of its stocks, nobody waits for the others", async () => {
  for (const productId of ["beside", "kept"]) await increment(productId);
  const release = await hold("SELECT FROM stock WHERE product_id = 'kept' FOR UPDATE");
  const batch = incrementAll(["beside", "kept"]);
  // Comes after it in its lane, and is answered when that has stepped aside.
  await increment("beside");
  // Several times as long as the gateway waits for one lock.
  const until = Date.now() + 3_000;
  const looks: boolean[] = [];
  const client = new Client({ connectionString: database.url });
  await client.connect();
  while (Date.now() < until) {
    const look = await client.query("SELECT FROM stock WHERE product_id = 'beside' FOR UPDATE SKIP LOCKED");
    looks.push(look.rowCount === 1);
    await sleep(10);
  }
  await client.end();
  // It is locked for a moment now and then, by who looks which one is held.
  expect(looks.filter((isFree) => !isFree).length).toBeLessThan(looks.length / 4);
  await increment("beside");
  await release();
  expect((await batch).map(({ kind }) => kind)).toEqual(["applied", "applied"]);
});

test("a product that somebody else is making keeps only those waiting who want it", async () => {
  const release = await hold(
    `INSERT INTO stock VALUES ('being made', 1, 0, 1, true, clock_timestamp(), clock_timestamp())`,
  );
  const waiting = versionOf(increment("being made"));
  expect(await versionOf(increment("made before"))).toBe(1);
  expect(await versionOf(increment("made before"))).toBe(2);
  await release();
  expect(await waiting).toBe(1);
});
