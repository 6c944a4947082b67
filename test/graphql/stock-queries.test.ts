import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => server.close());

const move = (
  productId: string,
  action: string,
  quantity: number,
): Promise<{ createStockTransaction: { createdAt: string; id: string } }> =>
  server.data(
    `mutation ($productId: ID!, $quantity: Int!) { createStockTransaction(productId: $productId, action: ${action}, quantity: $quantity) { id createdAt } }`,
    {
      productId,
      quantity,
    },
  );

const minutes = (version: number): string => `2026-01-01T00:0${version}:00.000Z`;

describe("stock", () => {
  test("is null for a product that is not tracked", async () => {
    expect(await server.data(`{ stock(productId: "unknown") { available } }`)).toEqual({ stock: null });
  });

  test("refuses a malformed id", async () => {
    const { errors } = await server.graphql(`query ($id: ID!) { stock(productId: $id) { available } }`, {
      id: "\u0000",
    });
    expect(errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "productId" });
  });

  test("at an instant is what the last change up to then left, across deletion and new beginning", async () => {
    const productId = newProduct();
    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    // The database's clock counts milliseconds, so the tellings below are dated by hand, a minute apart.
    await move(productId, "INCREMENT", 5);
    await move(productId, "ALLOCATE", 2);
    await move(productId, "DEALLOCATE", 2);
    await server.data(`mutation ($id: ID!) { deleteStock(productId: $id) { version } }`, { id: productId });
    await move(productId, "CREATE", 7);
    await move(productId, "DECREMENT", 1);
    for (const version of [1, 2, 3])
      await client.query("UPDATE stock_transaction SET created_at = $1 WHERE product_id = $2 AND version = $3", [
        minutes(version),
        productId,
        version,
      ]);
    await client.query("UPDATE stock_deletion SET created_at = $1 WHERE product_id = $2", [minutes(4), productId]);
    for (const version of [4, 5])
      await client.query("UPDATE stock_transaction SET created_at = $1 WHERE product_id = $2 AND version = $3", [
        minutes(version + 1),
        productId,
        version,
      ]);
    await client.end();

    const at = async (instant: string): Promise<unknown> =>
      (
        await server.data(
          `query ($id: ID!, $at: DateTime!) { stock(productId: $id, at: $at) { productId available allocated total version createdAt updatedAt } }`,
          { id: productId, at: instant },
        )
      ).stock;
    const stock = (
      available: number,
      allocated: number,
      version: number,
      [created, updated]: readonly [number, number],
    ) => ({
      productId,
      available,
      allocated,
      total: available + allocated,
      version,
      createdAt: minutes(created),
      updatedAt: minutes(updated),
    });
    expect(await at("0001-01-01T00:00:00Z")).toBeNull();
    expect(await at("2026-01-01T00:00:59.999Z")).toBeNull();
    expect(await at(minutes(1))).toEqual(stock(5, 0, 1, [1, 1]));
    expect(await at("2026-01-01T00:01:59.999Z")).toEqual(stock(5, 0, 1, [1, 1]));
    expect(await at("2026-01-01T02:02:00+02:00")).toEqual(stock(3, 2, 2, [1, 2]));
    expect(await at("2026-01-01T00:03:59.999999Z")).toEqual(stock(5, 0, 3, [1, 3]));
    expect(await at(minutes(4))).toBeNull();
    expect(await at("2026-01-01T00:04:59.999Z")).toBeNull();
    expect(await at(minutes(5))).toEqual(stock(7, 0, 4, [5, 5]));
    expect(await at(minutes(6))).toEqual(stock(6, 0, 5, [5, 6]));
    expect(await at("9999-12-31T23:59:59.999Z")).toEqual(stock(6, 0, 5, [5, 6]));
  });

  test("at finds every version of a long history", async () => {
    const productId = newProduct();
    const lines = Array.from({ length: 37 }, () => ({ productId, action: "INCREMENT", quantity: 1 }));
    await server.data(
      `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { index } }`,
      { lines },
    );
    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    await client.query(
      "UPDATE stock_transaction SET created_at = '2026-01-01Z'::timestamptz + version * interval '1 hour' WHERE product_id = $1",
      [productId],
    );
    await client.end();
    const versions = [];
    for (let hour = 0; hour <= 38; hour += 1) {
      const at = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
      versions.push(
        (
          await server.data(`query ($id: ID!, $at: DateTime) { stock(productId: $id, at: $at) { version } }`, {
            id: productId,
            at,
          })
        ).stock?.version ?? 0,
      );
    }
    expect(versions).toEqual([...Array.from({ length: 38 }, (_, hour) => hour), 37]);
  });

  test.each([
    "2026-02-30T00:00:00Z",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "+010000-01-01T00:00:00Z",
    "2026-01-01T00:00:00+99:00",
    "now",
    "infinity",
    "",
    "2026-01-01T00:00:00Z\u0000",
  ])("refuses the instant %j with HTTP 400", async (at) => {
    const { status, errors } = await server.graphql(
      `query ($at: DateTime) { stock(productId: "a", at: $at) { version } }`,
      { at },
    );
    expect([status, errors?.[0]?.extensions]).toEqual([400, { code: "BAD_USER_INPUT", status: 400 }]);
    const literal = await server.graphql(`{ stock(productId: "a", at: ${JSON.stringify(at)}) { version } }`);
    expect([literal.status, literal.errors?.[0]?.extensions]).toEqual([
      400,
      { code: "GRAPHQL_VALIDATION_FAILED", status: 400 },
    ]);
  });
});

const ask = (length: number) =>
  server.graphql(`query ($ids: [ID!]!) { stocksByProductId(productIds: $ids) { version } }`, {
    ids: Array.from({ length }, (_, index) => `n${index}`),
  });

describe("stocksByProductId", () => {
  test("answers in the order asked, with null where a product is not tracked, repeats included", async () => {
    const [one, two] = [newProduct(), newProduct()];
    await move(one, "INCREMENT", 1);
    await move(two, "INCREMENT", 2);
    const { stocksByProductId } = await server.data(
      `query ($ids: [ID!]!) { stocksByProductId(productIds: $ids) { productId available } }`,
      {
        ids: [two, "unknown", one, two],
      },
    );
    expect(stocksByProductId).toEqual([
      { productId: two, available: 2 },
      null,
      { productId: one, available: 1 },
      { productId: two, available: 2 },
    ]);
  });

  test("takes none and a thousand, and refuses one more", async () => {
    expect((await ask(0)).data).toEqual({ stocksByProductId: [] });
    expect((await ask(1000)).data.stocksByProductId).toHaveLength(1000);
    expect((await ask(1001)).errors?.[0]?.extensions).toEqual({
      code: "BAD_USER_INPUT",
      status: 400,
      field: "productIds",
    });
  });
});

const find = (id: string) =>
  server.data(`query ($id: ID!) { stockTransaction(id: $id) { id productId quantity } }`, { id });

describe("stockTransaction", () => {
  test("finds by id, in either case, and is null for what is none", async () => {
    const productId = newProduct();
    const { createStockTransaction } = await move(productId, "INCREMENT", 4);
    const found = { stockTransaction: { id: createStockTransaction.id, productId, quantity: 4 } };
    expect(await find(createStockTransaction.id)).toEqual(found);
    expect(await find(createStockTransaction.id.toUpperCase())).toEqual(found);
    for (const id of ["00000000-0000-7000-8000-000000000000", "none", "", "\u0000", "' OR 1=1--"])
      expect(await find(id)).toEqual({ stockTransaction: null });
  });

  test("stock is null once the product is no longer tracked", async () => {
    const productId = newProduct();
    const { createStockTransaction } = await move(productId, "CREATE", 0);
    await server.data(`mutation ($id: ID!) { deleteStock(productId: $id) { version } }`, { id: productId });
    expect(
      await server.data(`query ($id: ID!) { stockTransaction(id: $id) { stock { version } } }`, {
        id: createStockTransaction.id,
      }),
    ).toEqual({
      stockTransaction: { stock: null },
    });
  });
});
