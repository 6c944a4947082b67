import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => server.close());

const document = `mutation ($transactions: [StockTransactionInput!]!, $policy: BatchPolicy! = ALL_OR_NOTHING) {
  createStockTransactions(transactions: $transactions, policy: $policy) {
    index replayed transaction { productId version availableAfter } error { code status title detail productId action requested available allocated version }
  }
}`;

const error = (fields: object): object => ({
  title: "Cannot complete request",
  detail: "Your request could not be completed due to insufficient stock levels",
  ...fields,
});

const lines = (length: number) =>
  Array.from({ length }, () => ({ productId: "many", action: "INCREMENT", quantity: 1 }));

describe("createStockTransactions", () => {
  test("applies lines on one product in the order given", async () => {
    const productId = newProduct();
    const transactions = ["CREATE", "INCREMENT", "DECREMENT"].map((action, index) => ({
      productId,
      action,
      quantity: index + 1,
    }));
    expect(await server.data(document, { transactions })).toEqual({
      createStockTransactions: [1, 3, 0].map((availableAfter, index) => ({
        index,
        replayed: false,
        transaction: { productId, version: index + 1, availableAfter },
        error: null,
      })),
    });
  });

  test.each([
    ["ALL_OR_NOTHING", 0],
    ["EACH", 1],
  ])("under %s a refused line is data, and %i of two lines is applied", async (policy, applied) => {
    const productId = newProduct();
    await server.data(document, { transactions: [{ productId, action: "INCREMENT", quantity: 10 }] });
    const transactions = [6, 6].map((quantity) => ({ productId, action: "ALLOCATE", quantity }));
    const { createStockTransactions } = await server.data(document, { transactions, policy });
    const refusal = { productId, action: "ALLOCATE", requested: 6 };
    expect(createStockTransactions).toEqual([
      applied === 1
        ? { index: 0, replayed: false, transaction: { productId, version: 2, availableAfter: 4 }, error: null }
        : {
            index: 0,
            replayed: false,
            transaction: null,
            error: {
              ...refusal,
              code: "BATCH_NOT_APPLIED",
              status: 424,
              title: "Failed Dependency",
              detail: "Not applied because another line of the same all-or-nothing batch was refused",
              available: 10,
              allocated: 0,
              version: 1,
            },
          },
      {
        index: 1,
        replayed: false,
        transaction: null,
        error: error({ ...refusal, code: "INSUFFICIENT_STOCK", status: 422, available: 4, allocated: 6, version: 2 }),
      },
    ]);
    const { stock } = await server.data(`query ($id: ID!) { stock(productId: $id) { available allocated version } }`, {
      id: productId,
    });
    expect(stock).toEqual(
      applied === 1 ? { available: 4, allocated: 6, version: 2 } : { available: 10, allocated: 0, version: 1 },
    );
  });

  test("a malformed line refuses the whole request and is named by its index", async () => {
    const productId = newProduct();
    const transactions = [1, 0].map((quantity) => ({ productId, action: "INCREMENT", quantity }));
    const { status, errors } = await server.graphql(document, { transactions, policy: "EACH" });
    expect(status).toBe(200);
    expect(errors).toEqual([
      {
        message: "transactions[1]: quantity has to be an integer from 1 to 2147483647",
        locations: [{ line: 2, column: 3 }],
        path: ["createStockTransactions"],
        extensions: { code: "BAD_USER_INPUT", status: 400, field: "quantity", index: 1 },
      },
    ]);
    expect(await server.data(`query ($id: ID!) { stock(productId: $id) { version } }`, { id: productId })).toEqual({
      stock: null,
    });
  });

  test("takes 1 … 1 000 lines", async () => {
    for (const length of [0, 1001]) {
      const { errors } = await server.graphql(document, { transactions: lines(length) });
      expect(errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "transactions" });
    }
    expect((await server.data(document, { transactions: lines(1000) })).createStockTransactions.at(-1)).toMatchObject({
      index: 999,
      transaction: { version: 1000 },
    });
  });

  test("each line's key is replayed; a key in the header is refused, for it would protect nothing", async () => {
    const productId = newProduct();
    const transactions = [1, 2].map((quantity) => ({
      productId,
      action: "INCREMENT",
      quantity,
      idempotencyKey: `${productId}-${quantity}`,
    }));
    const first = await server.data(document, { transactions });
    const second = await server.data(document, { transactions });
    expect(second.createStockTransactions).toEqual(
      first.createStockTransactions.map((line: object) => ({ ...line, replayed: true })),
    );
    const { errors } = await server.graphql(document, { transactions }, { "idempotency-key": "k" });
    expect(errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
  });
});

describe("deleteStock", () => {
  const deletion = `mutation ($productId: ID!, $expectedVersion: Int) {
    deleteStock(productId: $productId, expectedVersion: $expectedVersion) { productId available allocated total version }
  }`;

  test("refuses an Idempotency-Key header, which it would have to ignore", async () => {
    const productId = newProduct();
    await server.data(
      `mutation { createStockTransaction(productId: "${productId}", action: CREATE, quantity: 4) { id } }`,
    );
    const { status, errors } = await server.graphql(deletion, { productId }, { "idempotency-key": "k" });
    expect([status, errors?.[0]?.extensions]).toEqual([
      200,
      { code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" },
    ]);
    expect((await server.data(`{ stock(productId: "${productId}") { available } }`)).stock).toEqual({ available: 4 });
  });

  test("answers with the last levels; the version goes on when tracking starts again", async () => {
    const productId = newProduct();
    await server.data(document, { transactions: [{ productId, action: "INCREMENT", quantity: 4 }] });
    expect(await server.data(deletion, { productId, expectedVersion: 1 })).toEqual({
      deleteStock: { productId, available: 4, allocated: 0, total: 4, version: 1 },
    });
    expect(await server.data(`query ($id: ID!) { stock(productId: $id) { version } }`, { id: productId })).toEqual({
      stock: null,
    });
    const again = await server.data(document, { transactions: [{ productId, action: "CREATE", quantity: 0 }] });
    expect(again.createStockTransactions[0].transaction).toEqual({ productId, version: 2, availableAfter: 0 });
  });

  test.each([
    ["STOCK_NOT_FOUND", 404, [], {}],
    ["STALE_VERSION", 409, ["INCREMENT"], { expectedVersion: 0 }],
    ["STOCK_STILL_ALLOCATED", 422, ["INCREMENT", "ALLOCATE"], {}],
  ])("%s is %i and changes nothing", async (code, status, actions, variables) => {
    const productId = newProduct();
    for (const action of actions) await server.data(document, { transactions: [{ productId, action, quantity: 2 }] });
    const stockNow = () =>
      server.data(`query ($id: ID!) { stock(productId: $id) { available allocated version } }`, { id: productId });
    const before = await stockNow();
    const { errors } = await server.graphql(deletion, { productId, ...variables });
    expect(errors?.[0]?.extensions).toMatchObject({
      code,
      status,
      productId,
      action: null,
      requested: null,
      version: actions.length,
    });
    expect(await stockNow()).toEqual(before);
  });

  test.each([
    ["productId", { productId: "" }],
    ["expectedVersion", { productId: "a", expectedVersion: -1 }],
  ])("a malformed %s is BAD_USER_INPUT", async (field, variables) => {
    expect((await server.graphql(deletion, variables)).errors?.[0]?.extensions).toEqual({
      code: "BAD_USER_INPUT",
      status: 400,
      field,
    });
  });
});
