import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { StorageError } from "../../src/inventory/storage.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  // Each row takes so long that two gateways are at it at the same time, however busy the machine is.
  await admin.query(`
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.003); RETURN NEW; END $$;
    CREATE TRIGGER take_long BEFORE INSERT ON stock_transaction FOR EACH ROW EXECUTE FUNCTION take_long()`);
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

test("two gateways begin the same products at once, in whatever order they are asked for, without waiting for each other", async () => {
  const failures: (string | null)[] = [];
  const gateways = [0, 1].map(() => {
    const prisma = createPrisma(database.url, { poolSize: 1, name: "new stocks", preparesStatements: true });
    const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma), {
      aroundAttempt: async (_batches, attempt) => {
        try {
          return await attempt();
        } catch (error) {
          failures.push(error instanceof StorageError ? error.sqlState : null);
          throw error;
        }
      },
    });
    return { prisma, inventory: new Inventory(groupCommit) };
  });
  for (let round = 0; round < 5; round += 1) {
    const productIds = Array.from({ length: 10 }, (_, index) => `new ${round} ${index}`);
    await Promise.all(
      gateways.map(({ inventory }, index) => {
        const lines = (index === 0 ? productIds : productIds.toReversed()).map((productId) =>
          parseStockTransactionInput({ productId, action: "INCREMENT", quantity: 1 }),
        );
        return inventory.createStockTransactions("a", lines, "EACH");
      }),
    );
  }
  const { rows } = await admin.query(
    "SELECT count(*)::int AS stocks, min(version) AS least, max(available) AS most FROM stock",
  );
  expect(rows).toEqual([{ stocks: 50, least: 2, most: 2 }]);
  // Who comes second finds the rows made, and tries again.
  expect(failures.filter((sqlState) => sqlState !== "23505")).toEqual([]);
  await Promise.all(gateways.map((gateway) => gateway.prisma.$disconnect()));
});
