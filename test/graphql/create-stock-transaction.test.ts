import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => server.close());

const document = `
  mutation ($productId: ID!, $action: StockAction!, $quantity: Int!, $idempotencyKey: String, $expectedVersion: Int,
            $reason: StockReason, $reference: String, $note: String) {
    createStockTransaction(productId: $productId, action: $action, quantity: $quantity, idempotencyKey: $idempotencyKey,
                           expectedVersion: $expectedVersion, reason: $reason, reference: $reference, note: $note) {
      id productId action quantity availableAfter allocatedAfter version reason reference note idempotencyKey createdAt
      stock { productId available allocated total version createdAt updatedAt }
    }
  }`;

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function ledgerOf(productId: string): Promise<unknown[]> {
  const { stockTransactions } = await server.data(
    `query ($ids: [ID!]) { stockTransactions(filter: { productIds: $ids }) { nodes { version } } }`,
    {
      ids: [productId],
    },
  );
  return stockTransactions.nodes;
}

describe("an accepted stock transaction", () => {
  test("is answered as recorded, with the levels right after it and the stock as it is now", async () => {
    const productId = newProduct();
    const { status, data, errors } = await server.graphql(document, {
      productId,
      action: "INCREMENT",
      quantity: 10,
      reason: "RECEIVED",
      reference: "po:77",
      note: "two\npallets",
      idempotencyKey: `key-${productId}`,
      expectedVersion: 0,
    });
    expect(errors).toBeUndefined();
    expect(status).toBe(200);
    expect(data).toEqual({
      createStockTransaction: {
        id: expect.stringMatching(uuidV7),
        productId,
        action: "INCREMENT",
        quantity: 10,
        availableAfter: 10,
        allocatedAfter: 0,
        version: 1,
        reason: "RECEIVED",
        reference: "po:77",
        note: "two\npallets",
        idempotencyKey: `key-${productId}`,
        createdAt: expect.stringMatching(instant),
        stock: {
          productId,
          available: 10,
          allocated: 0,
          total: 10,
          version: 1,
          createdAt: data.createStockTransaction.createdAt,
          updatedAt: data.createStockTransaction.createdAt,
        },
      },
    });
  });

  test("is the caller's: actor is the token's client", async () => {
    const { token, clientId } = await server.newToken();
    const { data } = await server.graphql(
      `mutation ($id: ID!) { createStockTransaction(productId: $id, action: CREATE, quantity: 0) { actor availableAfter } }`,
      { id: newProduct() },
      { authorization: `Bearer ${token}` },
    );
    expect(data).toEqual({ createStockTransaction: { actor: clientId, availableAfter: 0 } });
  });

  test("needs no scope to read what the payload selects", async () => {
    const { token } = await server.newToken(["inventory:write"]);
    const productId = newProduct();
    const { data } = await server.graphql(
      `mutation ($id: ID!) { createStockTransaction(productId: $id, action: INCREMENT, quantity: 3) { stock { available transactions { totalCount } } } }`,
      { id: productId },
      { authorization: `Bearer ${token}` },
    );
    expect(data).toEqual({ createStockTransaction: { stock: { available: 3, transactions: { totalCount: 1 } } } });
  });

  test("takes whole numbers however JSON writes them", async () => {
    const productId = newProduct();
    const { token } = await server.newToken();
    for (const [version, quantity] of ["1.0", "1e3"].entries()) {
      const response = await server.fetch({
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: `{"query":"mutation ($q: Int!) { createStockTransaction(productId: \\"${productId}\\", action: INCREMENT, quantity: $q) { quantity version } }","variables":{"q":${quantity}}}`,
      });
      expect(await response.json()).toEqual({
        data: { createStockTransaction: { quantity: Number(quantity), version: version + 1 } },
      });
    }
  });
});

describe("a refusal", () => {
  test("is HTTP 200 and carries the fields of StockError; insufficient stock is 422 and nothing is recorded", async () => {
    const productId = newProduct();
    await server.graphql(document, { productId, action: "INCREMENT", quantity: 3 });
    const { status, data, errors } = await server.graphql(document, { productId, action: "DECREMENT", quantity: 4 });
    expect(status).toBe(200);
    expect(data).toBeNull();
    expect(errors).toEqual([
      {
        message: "Your request could not be completed due to insufficient stock levels",
        locations: [{ line: 4, column: 5 }],
        path: ["createStockTransaction"],
        extensions: {
          code: "INSUFFICIENT_STOCK",
          status: 422,
          title: "Cannot complete request",
          detail: "Your request could not be completed due to insufficient stock levels",
          productId,
          action: "DECREMENT",
          requested: 4,
          available: 3,
          allocated: 0,
          version: 1,
          replayed: false,
        },
      },
    ]);
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test.each([
    ["STOCK_NOT_FOUND", 404, [], { action: "DECREMENT", quantity: 1 }],
    ["STOCK_ALREADY_EXISTS", 409, [{ action: "CREATE", quantity: 1 }], { action: "CREATE", quantity: 1 }],
    [
      "STALE_VERSION",
      409,
      [{ action: "INCREMENT", quantity: 1 }],
      { action: "INCREMENT", quantity: 1, expectedVersion: 7 },
    ],
    ["INSUFFICIENT_STOCK", 422, [{ action: "INCREMENT", quantity: 1 }], { action: "ALLOCATE", quantity: 2 }],
    ["INSUFFICIENT_STOCK", 422, [{ action: "INCREMENT", quantity: 1 }], { action: "DEALLOCATE", quantity: 1 }],
    [
      "QUANTITY_OUT_OF_RANGE",
      422,
      [{ action: "INCREMENT", quantity: 2147483647 }],
      { action: "INCREMENT", quantity: 1 },
    ],
  ])("%s is %i", async (code, status, before, refused) => {
    const productId = newProduct();
    for (const variables of before) await server.data(document, { productId, ...variables });
    const { errors } = await server.graphql(document, { productId, ...refused });
    expect(errors?.map(({ extensions }) => [extensions["code"], extensions["status"]])).toEqual([[code, status]]);
    expect(await ledgerOf(productId)).toHaveLength(before.length);
  });
});

describe("malformed input", () => {
  // Each kind of value has tests of its own in the domain; here, that it arrives as the caller's mistake.
  test.each<[string, object]>([
    ["quantity", { quantity: 0 }],
    ["quantity", { quantity: -1 }],
    ["productId", { productId: "" }],
    ["productId", { productId: "x".repeat(256) }],
    ["productId", { productId: "a\u0000b" }],
    ["productId", { productId: "a\nb" }],
    ["productId", { productId: "\ud800" }],
    ["productId", { productId: " a" }],
    ["productId", { productId: "multiple" }],
    ["idempotencyKey", { idempotencyKey: "" }],
    ["idempotencyKey", { idempotencyKey: "k".repeat(256) }],
    ["idempotencyKey", { idempotencyKey: "ключ" }],
    ["reference", { reference: "r".repeat(256) }],
    ["reference", { reference: "a\r\nb" }],
    ["note", { note: "n".repeat(1001) }],
    ["expectedVersion", { expectedVersion: -1 }],
  ])("is BAD_USER_INPUT and names the field: %s (%#)", async (field, variables) => {
    const { status, errors } = await server.graphql(document, {
      productId: newProduct(),
      action: "INCREMENT",
      quantity: 1,
      ...variables,
    });
    expect(status).toBe(200);
    expect(errors).toEqual([
      {
        message: expect.stringContaining(field),
        locations: [{ line: 4, column: 5 }],
        path: ["createStockTransaction"],
        extensions: { code: "BAD_USER_INPUT", status: 400, field },
      },
    ]);
  });

  test.each([[1.5], [true], [[5]], [{}], [null], ["5"], [2147483648], ["9".repeat(30)], ["x".repeat(100_000)]])(
    "a quantity that is no Int is HTTP 400 (%#)",
    async (quantity) => {
      const productId = newProduct();
      const { status, errors } = await server.graphql(document, { productId, action: "INCREMENT", quantity });
      expect(status).toBe(400);
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: "BAD_USER_INPUT", status: 400 }]);
      expect(await ledgerOf(productId)).toEqual([]);
    },
  );

  test.each(["steal", "__proto__", "constructor", "toString", "increment"])(
    "an action that is none is HTTP 400: %s",
    async (action) => {
      const { status, errors } = await server.graphql(document, { productId: newProduct(), action, quantity: 1 });
      expect(status).toBe(400);
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: "BAD_USER_INPUT", status: 400 }]);
    },
  );

  test("what looks like SQL is taken literally", async () => {
    const text = "'; DROP TABLE stock;--";
    const { data } = await server.graphql(document, {
      productId: text,
      action: "INCREMENT",
      quantity: 1,
      note: text,
      reference: text,
      idempotencyKey: text,
    });
    expect(data.createStockTransaction).toMatchObject({
      productId: text,
      note: text,
      reference: text,
      idempotencyKey: text,
    });
  });
});
