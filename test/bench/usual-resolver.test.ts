import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { LedgerCheck } from "../../bench/ledger-check.ts";
import { UsualResolver } from "../../bench/usual-resolver.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import type { StockAction } from "../../src/inventory/actions.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let prisma: ReturnType<typeof createPrisma>;
let groups: Inventory;
let usualResolver: UsualResolver;
let usual: Inventory;

beforeAll(async () => {
  database = await createDatabase();
  prisma = createPrisma(database.url, { name: "test", poolSize: 2, preparesStatements: false });
  groups = new Inventory(new GroupCommit(new PrismaInventoryStorage(prisma)));
  usualResolver = await UsualResolver.open(database.url);
  usual = new Inventory(usualResolver);
});

afterAll(async () => {
  await usualResolver.close();
  await prisma.$disconnect();
  await database.drop();
});

test("answers like the gateway does, so that the benchmark compares like with like", async () => {
  const history: [StockAction, number][] = [
    ["INCREMENT", 5],
    ["ALLOCATE", 7],
    ["DECREMENT", 9],
    ["DEALLOCATE", 8],
    ["DEALLOCATE", 3],
    ["DECREMENT", 10],
  ];
  const [one, other] = [await trackedProduct(), await trackedProduct()];
  for (const [action, quantity] of history) {
    const [expected] = await groups.createStockTransactions("bench", [inputOf(one, action, quantity)], "EACH");
    const [answer] = await usual.createStockTransactions("bench", [inputOf(other, action, quantity)], "EACH");
    expect(withoutIdentity(answer)).toEqual(withoutIdentity(expected));
  }
});

test("counts every one of many parallel stock transactions on one product, in levels that agree with the ledger", async () => {
  const ledger = await LedgerCheck.open(database.url);
  const productId = await trackedProduct();
  await Promise.all(
    Array.from({ length: 50 }, () => usual.createStockTransaction("bench", inputOf(productId, "INCREMENT", 1))),
  );
  await ledger.verify(51, 0);
  await expect(ledger.verify(52, 0)).rejects.toThrow("1 acknowledged stock transactions are not in the ledger");
  await expect(ledger.verify(49, 1)).rejects.toThrow("2 stock transactions are in the ledger that nobody was told of");
  await prisma.$executeRaw`UPDATE stock SET available = available + 1 WHERE product_id = ${productId}`;
  await expect(ledger.verify(51, 0)).rejects.toThrow(
    `${productId}: the stock is 61 available, 0 allocated; the ledger says 60 available, 0 allocated`,
  );
  await ledger.close();
});

async function trackedProduct(): Promise<string> {
  const productId = randomUUID();
  await groups.createStockTransaction("bench", inputOf(productId, "CREATE", 10));
  return productId;
}

function inputOf(productId: string, action: StockAction, quantity: number) {
  const rest = { idempotencyKey: null, expectedVersion: null, reason: null, reference: null, note: null };
  return { productId, action, quantity, ...rest };
}

function withoutIdentity(outcome: unknown): unknown {
  return JSON.parse(
    JSON.stringify(outcome, (key, value: unknown) =>
      ["id", "productId", "createdAt"].includes(key) ? undefined : value,
    ),
  );
}
