import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { StorageError } from "../../src/inventory/storage.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

/** Notes the SQLSTATE of each attempt that fails. */
class NotingStorage extends PrismaInventoryStorage {
  readonly #failures: (string | null)[];

  constructor(prisma: ReturnType<typeof createPrisma>, failures: (string | null)[]) {
    super(prisma);
    this.#failures = failures;
  }

  override async settle(
    ...args: Parameters<PrismaInventoryStorage["settle"]>
  ): ReturnType<PrismaInventoryStorage["settle"]> {
    try {
      return await super.settle(...args);
    } catch (error) {
      this.#failures.push(error instanceof StorageError ? error.sqlState : null);
      throw error;
    }
  }
}

test("two gateways begin the same products at once, in whatever order they are asked for, without waiting for each other", async () => {
  const failures: (string | null)[] = [];
  const gateways = [0, 1].map(() => {
    const prisma = createPrisma(database.url, { poolSize: 1, name: "new stocks", preparesStatements: true });
    return { prisma, inventory: new Inventory(new GroupCommit(new NotingStorage(prisma, failures))) };
  });
  // So many products that the two are at it at the same time.
  for (let round = 0; round < 10; round += 1) {
    const productIds = Array.from({ length: 300 }, (_, index) => `new ${round} ${index}`);
    await Promise.all(
      gateways.map(({ inventory }, index) => {
        const lines = (index === 0 ? productIds : productIds.toReversed()).map((productId) =>
          parseStockTransactionInput({ productId, action: "INCREMENT", quantity: 1 }),
        );
        return inventory.createStockTransactions("a", lines, "EACH");
      }),
    );
  }
  const [prisma] = gateways.map((gateway) => gateway.prisma);
  expect(await prisma?.stock.aggregate({ _count: true, _min: { version: true }, _max: { available: true } })).toEqual({
    _count: 3_000,
    _min: { version: 2 },
    _max: { available: 2 },
  });
  // Who comes second finds the rows made, and tries again.
  expect(failures.filter((sqlState) => sqlState !== "23505")).toEqual([]);
  await Promise.all(gateways.map((gateway) => gateway.prisma.$disconnect()));
});
