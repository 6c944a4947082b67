import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { statementsOf } from "../support/statements.ts";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;
const productIds = Array.from({ length: 100 }, (_, index) => `product-${String(index).padStart(3, "0")}`);

beforeAll(async () => {
  server = await startGraphQLServer();
  for (const action of ["INCREMENT", "INCREMENT", "ALLOCATE", "DEALLOCATE"])
    await server.data(
      `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { index } }`,
      {
        lines: productIds.map((productId) => ({ productId, action, quantity: 2 })),
      },
    );
});

afterAll(async () => server.close());

test("a page of 100 stocks, each with its last three transactions, each with its stock, costs three statements", async () => {
  let answer:
    | { stocks: { nodes: { transactions: { nodes: { version: number; stock: { version: number } }[] } }[] } }
    | undefined;
  const statements = await statementsOf(async () => {
    answer = await server.data(
      `{ stocks(first: 100) { nodes { productId transactions(first: 3) { nodes { version stock { version total } } } } } }`,
    );
  });
  expect(answer?.stocks.nodes).toHaveLength(100);
  for (const { transactions } of answer?.stocks.nodes ?? [])
    expect(transactions.nodes).toMatchObject([4, 3, 2].map((version) => ({ version, stock: { version: 4 } })));
  expect(statements).toEqual([
    expect.stringContaining("FROM stock WHERE tracked"),
    expect.stringContaining("LEFT JOIN LATERAL"),
    expect.stringContaining("FROM stock WHERE product_id = ANY"),
  ]);
});

test("counting each history costs one statement more, and different arguments one for each", async () => {
  const counted = await statementsOf(() =>
    server.data(`{ stocks(first: 100) { nodes { transactions(first: 1) { totalCount } } } }`),
  );
  expect(counted).toHaveLength(3);
  const twice = await statementsOf(() =>
    server.data(
      `{ stocks(first: 100) { nodes { last: transactions(first: 1) { nodes { id } } first: transactions(first: 1, orderBy: OLDEST_FIRST) { nodes { id } } } } }`,
    ),
  );
  expect(twice).toHaveLength(3);
});

test("totalCount is counted only where it is selected", async () => {
  const uncounted = await statementsOf(() =>
    server.data(`{ stocks { nodes { productId } } stockTransactions { nodes { id } } }`),
  );
  expect(uncounted).toHaveLength(2);
  expect(uncounted.join(" ")).not.toContain("count(");
  const counted = await statementsOf(() => server.data(`{ stocks { totalCount } stockTransactions { totalCount } }`));
  expect(counted.filter((statement) => statement.includes("count("))).toHaveLength(2);
});

test("the stocks of a thousand ids, and of a batch's thousand lines, are one statement", async () => {
  const ids = Array.from({ length: 1000 }, (_, index) => productIds[index % 100]);
  const read = await statementsOf(() =>
    server.data(`query ($ids: [ID!]!) { stocksByProductId(productIds: $ids) { total } }`, { ids }),
  );
  expect(read).toHaveLength(1);
  const written = await statementsOf(() =>
    server.data(
      `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { transaction { stock { total } } } }`,
      {
        lines: ids.map((productId) => ({ productId, action: "INCREMENT", quantity: 1 })),
      },
    ),
  );
  // Lock, write, read.
  expect(written).toHaveLength(3);
});
