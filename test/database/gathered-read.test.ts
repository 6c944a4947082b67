import { expect, test } from "@jest/globals";
import { GatheredRead } from "../../src/database/gathered-read.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryQueries } from "../../src/database/inventory-queries.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";

/** A read whose statements are answered by hand. */
function openRead(): {
  readonly read: GatheredRead<number, string>;
  readonly statements: { readonly keys: readonly number[]; answer(): void; fail(reason: Error): void }[];
} {
  const statements: ReturnType<typeof openRead>["statements"] = [];
  const read = new GatheredRead<number, string>(
    (keys) =>
      new Promise((resolve, reject) => {
        statements.push({ keys, answer: () => resolve(keys.map((key) => `value ${key}`)), fail: reject });
      }),
  );
  return { read, statements };
}

test("who comes while statements are under way shares the next one, and gets his own values in his own order", async () => {
  const { read, statements } = openRead();
  const answers = [[1], [2], [3, 4], [], [4, 3, 3]].map((keys) => read.get(keys));
  expect(statements.map(({ keys }) => keys)).toEqual([[1], [2]]);
  statements[1]?.answer();
  await expect(answers[1]).resolves.toEqual(["value 2"]);
  expect(statements[2]?.keys).toEqual([3, 4, 4, 3, 3]);
  statements[2]?.answer();
  statements[0]?.answer();
  await expect(Promise.all(answers)).resolves.toEqual([
    ["value 1"],
    ["value 2"],
    ["value 3", "value 4"],
    [],
    ["value 4", "value 3", "value 3"],
  ]);
  expect(statements).toHaveLength(3);
});

test("a statement that fails fails its own callers, and the next ones are read for", async () => {
  const { read, statements } = openRead();
  const [first, second, third] = [read.get([1]), read.get([2]), read.get([3])];
  statements[0]?.fail(new Error("away"));
  await expect(first).rejects.toThrow("away");
  statements[2]?.answer();
  await expect(third).resolves.toEqual(["value 3"]);
  statements[1]?.answer();
  await expect(second).resolves.toEqual(["value 2"]);
});

test("one statement has a thousand keys at most, or a first caller's own", async () => {
  const { read, statements } = openRead();
  const many = (length: number): number[] => Array.from({ length }, (_, key) => key);
  const answers = [1, 1, 600, 400, 1, 1_500].map((length) => read.get(many(length)));
  for (let next = 0; next < 5; next += 1) {
    const statement = statements[next];
    statement?.answer();
    await answers[next === 4 ? 5 : next];
  }
  await Promise.all(answers);
  expect(statements.map(({ keys }) => keys.length)).toEqual([1, 1, 1_000, 1, 1_500]);
});

test("a read that begins after a write was answered sees it, however many reads are under way", async () => {
  const database = await createDatabase();
  const prisma = createPrisma(database.url, { poolSize: 4, name: "reads", preparesStatements: false });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma));
  try {
    const inventory = new Inventory(groupCommit);
    const queries = new PrismaInventoryQueries(prisma);
    const stale: object[] = [];
    const work = async (productId: string): Promise<void> => {
      for (let round = 1; round <= 25; round += 1) {
        const input = parseStockTransactionInput({ productId, action: "INCREMENT", quantity: 1 });
        const { transaction } = await inventory.createStockTransaction("client", input);
        const [stock] = await queries.findStocks([productId]);
        if (stock?.version !== transaction.version) stale.push({ productId, stock, transaction });
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => work(`product-${index}`)));
    expect(stale).toEqual([]);
  } finally {
    await groupCommit.close();
    await prisma.$disconnect();
    await database.drop();
  }
});
