import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => await server.close());

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
  const { stockTransactions } = await server.data(`query ($ids: [ID!]) { stockTransactions(filter: { productIds: $ids }) { nodes { version } } }`, {
    ids: [productId],
  });
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
      expect(await response.json()).toEqual({ data: { createStockTransaction: { quantity: Number(quantity), version: version + 1 } } });
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
    ["STALE_VERSION", 409, [{ action: "INCREMENT", quantity: 1 }], { action: "INCREMENT", quantity: 1, expectedVersion: 7 }],
    ["INSUFFICIENT_STOCK", 422, [{ action: "INCREMENT", quantity: 1 }], { action: "ALLOCATE", quantity: 2 }],
    ["INSUFFICIENT_STOCK", 422, [{ action: "INCREMENT", quantity: 1 }], { action: "DEALLOCATE", quantity: 1 }],
    ["QUANTITY_OUT_OF_RANGE", 422, [{ action: "INCREMENT", quantity: 2147483647 }], { action: "INCREMENT", quantity: 1 }],
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
    const { status, errors } = await server.graphql(document, { productId: newProduct(), action: "INCREMENT", quantity: 1, ...variables });
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

  test.each([[1.5], [true], [[5]], [{}], [null], ["5"], [2147483648], [9007199254740993], ["x".repeat(100_000)]])(
    "a quantity that is no Int is HTTP 400 (%#)",
    async (quantity) => {
      const productId = newProduct();
      const { status, errors } = await server.graphql(document, { productId, action: "INCREMENT", quantity });
      expect(status).toBe(400);
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: "BAD_USER_INPUT", status: 400 }]);
      expect(await ledgerOf(productId)).toEqual([]);
    },
  );

  test.each(["steal", "__proto__", "constructor", "toString", "increment"])("an action that is none is HTTP 400: %s", async (action) => {
    const { status, errors } = await server.graphql(document, { productId: newProduct(), action, quantity: 1 });
    expect(status).toBe(400);
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: "BAD_USER_INPUT", status: 400 }]);
  });

  test("what looks like SQL is taken literally", async () => {
    const text = "'; DROP TABLE stock;--";
    const { data } = await server.graphql(document, { productId: text, action: "INCREMENT", quantity: 1, note: text, reference: text, idempotencyKey: text });
    expect(data.createStockTransaction).toMatchObject({ productId: text, note: text, reference: text, idempotencyKey: text });
  });
});

describe("idempotency", () => {
  test("a repeated key is answered with the first outcome and says so, in a header too; nothing is applied twice", async () => {
    const productId = newProduct();
    const variables = { productId, action: "INCREMENT", quantity: 5, idempotencyKey: `once-${productId}` };
    const first = await server.graphql(document, variables);
    const second = await server.graphql(document, variables);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(second.data).toEqual(first.data);
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test("a refusal is replayed as it was, although there is stock now", async () => {
    const productId = newProduct();
    const variables = { productId, action: "DECREMENT", quantity: 5, idempotencyKey: `refused-${productId}` };
    const first = await server.graphql(document, variables);
    await server.data(document, { productId, action: "INCREMENT", quantity: 9 });
    const second = await server.graphql(document, variables);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(second.errors?.[0]?.extensions).toEqual({ ...first.errors?.[0]?.extensions, replayed: true });
    expect(first.errors?.[0]?.extensions).toMatchObject({ code: "STOCK_NOT_FOUND", replayed: false });
  });

  test("a key with other arguments is IDEMPOTENCY_KEY_REUSED and changes nothing", async () => {
    const productId = newProduct();
    const variables = { productId, action: "INCREMENT", quantity: 5, idempotencyKey: `reused-${productId}` };
    await server.data(document, variables);
    const { errors } = await server.graphql(document, { ...variables, quantity: 6 });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", status: 422 });
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test("the header counts as the argument; both may be given if they are the same", async () => {
    const productId = newProduct();
    const key = `header-${productId}`;
    const variables = { productId, action: "INCREMENT", quantity: 5 };
    const byHeader = await server.graphql(document, variables, { "idempotency-key": key });
    const byBoth = await server.graphql(document, { ...variables, idempotencyKey: key }, { "idempotency-key": key });
    expect(byHeader.data.createStockTransaction.idempotencyKey).toBe(key);
    expect(byBoth.data).toEqual(byHeader.data);
    expect(byBoth.headers.get("idempotent-replayed")).toBe("true");
    const unlike = await server.graphql(document, { ...variables, idempotencyKey: "other" }, { "idempotency-key": key });
    expect(unlike.errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
    const empty = await server.graphql(document, variables, { "idempotency-key": "" });
    expect(empty.errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test("two different headers are HTTP 400, though a comma may be part of one key", async () => {
    const productId = newProduct();
    const variables = { productId, action: "INCREMENT", quantity: 5 };
    const { token } = await server.newToken();
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "idempotency-key": ["a", "b"] },
      });
      sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
      sent.on("error", reject);
      sent.end(JSON.stringify({ query: document, variables }));
    });
    expect(status).toBe(400);
    expect(await ledgerOf(productId)).toEqual([]);
    const { data } = await server.graphql(document, variables, { "idempotency-key": `a, ${productId}` });
    expect(data.createStockTransaction.idempotencyKey).toBe(`a, ${productId}`);
  });

  test("another client's same key is another key", async () => {
    const { token } = await server.newToken();
    const [mine, theirs] = [newProduct(), newProduct()];
    const idempotencyKey = `shared-${mine}`;
    await server.data(document, { productId: mine, action: "INCREMENT", quantity: 1, idempotencyKey });
    const other = await server.graphql(
      document,
      { productId: theirs, action: "INCREMENT", quantity: 2, idempotencyKey },
      { authorization: `Bearer ${token}` },
    );
    expect(other.data.createStockTransaction).toMatchObject({ productId: theirs, quantity: 2 });
    const lookup = `query ($key: String!) { stockTransactionByIdempotencyKey(idempotencyKey: $key) { index replayed transaction { productId } error { code } } }`;
    const outcome = (productId: string) => ({
      stockTransactionByIdempotencyKey: { index: 0, replayed: true, transaction: { productId }, error: null },
    });
    expect(await server.data(lookup, { key: idempotencyKey })).toEqual(outcome(mine));
    expect((await server.graphql(lookup, { key: idempotencyKey }, { authorization: `Bearer ${token}` })).data).toEqual(outcome(theirs));
  });
});

describe("stockTransactionByIdempotencyKey", () => {
  const lookup = `query ($key: String!) { stockTransactionByIdempotencyKey(idempotencyKey: $key) {
    index replayed transaction { id } error { code status title detail productId action requested available allocated version } } }`;

  test("is null for a key that was never spent", async () => {
    expect(await server.data(lookup, { key: "never" })).toEqual({ stockTransactionByIdempotencyKey: null });
  });

  test("finds a refusal with the levels it was decided on", async () => {
    const productId = newProduct();
    await server.data(document, { productId, action: "INCREMENT", quantity: 2 });
    await server.graphql(document, { productId, action: "ALLOCATE", quantity: 3, idempotencyKey: `lost-${productId}` });
    expect(await server.data(lookup, { key: `lost-${productId}` })).toEqual({
      stockTransactionByIdempotencyKey: {
        index: 0,
        replayed: true,
        transaction: null,
        error: {
          code: "INSUFFICIENT_STOCK",
          status: 422,
          title: "Cannot complete request",
          detail: "Your request could not be completed due to insufficient stock levels",
          productId,
          action: "ALLOCATE",
          requested: 3,
          available: 2,
          allocated: 0,
          version: 1,
        },
      },
    });
  });

  test("refuses what can't be a key", async () => {
    const { errors } = await server.graphql(lookup, { key: "\n" });
    expect(errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
  });
});
