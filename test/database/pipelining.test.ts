import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { createPrismaOver } from "../../src/database/prisma.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { settle } from "../../src/inventory/settle.ts";
import { openProxiedPool } from "../support/proxied-pool.ts";
import type { ProxiedPool } from "../support/proxied-pool.ts";

let proxied: ProxiedPool;

beforeAll(async () => {
  proxied = await openProxiedPool();
});

afterAll(() => proxied.close());

test("BEGIN, the lock and the savepoint of a group go out together, before anything is answered", async () => {
  const prisma = createPrismaOver(proxied.pool, { preparesStatements: true });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma));
  const inventory = new Inventory(groupCommit);
  const increment = async (): Promise<number> => {
    const input = parseStockTransactionInput({ productId: "shirt", action: "INCREMENT", quantity: 1 });
    return (await inventory.createStockTransaction("client", input)).transaction.version;
  };
  // The connection is there, and its statements are prepared.
  expect(await increment()).toBe(1);
  const sent = proxied.proxy.holdAnswersUntil("SAVEPOINT_positions_taken");
  const version = increment();
  await sent;
  expect(await version).toBe(2);
  await groupCommit.close();
});

test("the write of a group and COMMIT go out together, before the write is answered", async () => {
  const prisma = createPrismaOver(proxied.pool, { preparesStatements: true });
  const storage = new PrismaInventoryStorage(prisma);
  let sent: Promise<void> | undefined;
  const scope = { productIds: ["hat"], keys: [], unresolvedCommandIds: [], heldProductIds: [] };
  const inventory = new Inventory({
    settle: async (batch) => {
      const { outcomes } = await storage.settle(scope, performance.now() + 10_000, (state, now) => {
        // What it decides on has been answered: what follows is held back.
        sent = proxied.proxy.holdAnswersUntil("COMMIT_pipelined");
        return settle(state, [batch], now);
      });
      return outcomes.flat();
    },
  });
  const input = parseStockTransactionInput({ productId: "hat", action: "INCREMENT", quantity: 1 });
  expect((await inventory.createStockTransaction("client", input)).transaction.version).toBe(1);
  await sent;
});

test("a COMMIT behind a statement that failed is not asked for, nor taken for that of the next transaction", async () => {
  const client = await proxied.pool.connect();
  try {
    await client.query("BEGIN");
    await expect(client.query("SELECT 1 / 0 /* then COMMIT */")).rejects.toThrow("division by zero");
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await client.query("CREATE TABLE kept (id int)");
    expect((await client.query("COMMIT")).command).toBe("COMMIT");
    expect(client.getTransactionStatus()).toBe("I");
  } finally {
    client.release();
  }
  const again = await proxied.pool.connect();
  expect((await again.query("SELECT FROM kept")).rowCount).toBe(0);
  again.release();
});

test("where BEGIN fails the connection is given up, and nothing is written outside a transaction", async () => {
  const client = await proxied.pool.connect();
  // A statement of this name is another one, so that BEGIN is refused.
  await client.query({ name: "taken", text: "SELECT 1" });
  await client.query({ name: "taken", text: "BEGIN" });

  try {
    const first = client.query("SELECT 1");
    await expect(first).rejects.toThrow("A transaction could not be begun");
    const second = client.query("SELECT 2");
    await expect(second).rejects.toThrow("not queryable");
  } finally {
    client.release();
  }
  expect(proxied.pool.totalCount).toBe(0);
});
