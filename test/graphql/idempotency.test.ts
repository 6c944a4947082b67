import { request } from "node:http";
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

async function ledgerOf(productId: string): Promise<unknown[]> {
  const { stockTransactions } = await server.data(
    `query ($ids: [ID!]) { stockTransactions(filter: { productIds: $ids }) { nodes { version } } }`,
    {
      ids: [productId],
    },
  );
  return stockTransactions.nodes;
}

const outcome = (productId: string) => ({
  stockTransactionByIdempotencyKey: { index: 0, replayed: true, transaction: { productId }, error: null },
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
    const unlike = await server.graphql(
      document,
      { ...variables, idempotencyKey: "other" },
      { "idempotency-key": key },
    );
    expect(unlike.errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
    const empty = await server.graphql(document, variables, { "idempotency-key": "" });
    expect(empty.errors?.[0]?.extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" });
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test("two different headers are HTTP 400, also joined by a comma as proxies do; an argument may have a comma", async () => {
    const productId = newProduct();
    const variables = { productId, action: "INCREMENT", quantity: 5 };
    const { token } = await server.newToken();
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${server.url}/graphql`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${token}`,
          "idempotency-key": ["a", "b"],
        },
      });
      sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
      sent.on("error", reject);
      sent.end(JSON.stringify({ query: document, variables }));
    });
    expect(status).toBe(400);
    const joined = await server.graphql(document, variables, { "idempotency-key": `a, ${productId}` });
    expect([joined.status, joined.errors?.[0]?.extensions]).toEqual([
      400,
      { code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" },
    ]);
    expect(await ledgerOf(productId)).toEqual([]);
    const data = await server.data(document, { ...variables, idempotencyKey: `a, ${productId}` });
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
    expect(await server.data(lookup, { key: idempotencyKey })).toEqual(outcome(mine));
    expect((await server.graphql(lookup, { key: idempotencyKey }, { authorization: `Bearer ${token}` })).data).toEqual(
      outcome(theirs),
    );
  });
});

describe("the header beside several mutations", () => {
  const refusal = {
    message: "Several mutations take an `idempotencyKey` argument each, not the Idempotency-Key header",
    extensions: { code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" },
  };
  const increment = (productId: string, quantity: number, idempotencyKey?: string): string =>
    `createStockTransaction(productId: "${productId}", action: INCREMENT, quantity: ${quantity}${
      idempotencyKey === undefined ? "" : `, idempotencyKey: "${idempotencyKey}"`
    }) { version }`;
  const fields = (...texts: string[]): string =>
    `mutation { ${texts.map((text, index) => `m${index}: ${text}`).join(" ")} }`;

  test.each<[string, (productId: string) => string]>([
    ["alike", (id) => fields(increment(id, 1), increment(id, 1))],
    ["unlike", (id) => fields(increment(id, 1), increment(id, 2))],
    ["the first with the same key of its own", (id) => fields(increment(id, 1, `h-${id}`), increment(id, 1))],
    ["both with the same key of their own", (id) => fields(increment(id, 1, `h-${id}`), increment(id, 1, `h-${id}`))],
    ["the last with another key", (id) => fields(increment(id, 1), increment(id, 1, "other"))],
    ["the last a deletion", (id) => fields(increment(id, 1), `deleteStock(productId: "${id}") { version }`)],
    [
      "the last a batch",
      (id) =>
        fields(
          increment(id, 1),
          `createStockTransactions(transactions: [{productId: "${id}", action: INCREMENT, quantity: 1}]) { index }`,
        ),
    ],
    [
      "in a fragment",
      (id) => `mutation { ...F } fragment F on Mutation { a: ${increment(id, 1)} ...G }
       fragment G on Mutation { ... { b: ${increment(id, 1)} } }`,
    ],
    [
      "behind directives",
      (id) => `mutation ($on: Boolean = true) { a: ${increment(id, 1).replace(" {", " @include(if: $on) {")}
        ... @skip(if: false) { b: ${increment(id, 1)} } }`,
    ],
  ])("is refused before any of them runs, however often it is sent: %s", async (_name, mutationOf) => {
    const productId = newProduct();
    for (let time = 1; time <= 4; time += 1) {
      const answer = await server.graphql(mutationOf(productId), {}, { "idempotency-key": `h-${productId}` });
      expect([answer.status, answer.data]).toEqual([200, null]);
      expect(answer.errors).toEqual([expect.objectContaining(refusal)]);
      expect(answer.headers.get("idempotent-replayed")).toBeNull();
    }
    expect(await ledgerOf(productId)).toEqual([]);
  });

  test.each<[string, (productId: string) => string]>([
    ["alone", (id) => `mutation { ${increment(id, 1)} }`],
    ["beside __typename", (id) => `mutation { __typename ${increment(id, 1)} }`],
    ["alone, in a fragment", (id) => `mutation { ...F ...F } fragment F on Mutation { ${increment(id, 1)} }`],
    ["the same field twice", (id) => `mutation { ${increment(id, 1)} ${increment(id, 1)} }`],
    [
      "the other one left out",
      (id) => `mutation ($both: Boolean = false) { a: ${increment(id, 1)}
        ...F @include(if: $both) ... @skip(if: true) { c: ${increment(id, 1)} } }
        fragment F on Mutation { b: ${increment(id, 1)} }`,
    ],
  ])("holds for one that is carried out: %s", async (_name, mutationOf) => {
    const productId = newProduct();
    const replays: (string | null)[] = [];
    for (let time = 1; time <= 4; time += 1) {
      const answer = await server.graphql(mutationOf(productId), {}, { "idempotency-key": `h-${productId}` });
      expect(answer.errors).toBeUndefined();
      replays.push(answer.headers.get("idempotent-replayed"));
    }
    expect(replays).toEqual([null, "true", "true", "true"]);
    expect(await ledgerOf(productId)).toEqual([{ version: 1 }]);
  });

  test("a document without a header gives each its own key", async () => {
    const productId = newProduct();
    const both = fields(increment(productId, 1, `a-${productId}`), increment(productId, 1, `b-${productId}`));
    const applied = { m0: { version: 1 }, m1: { version: 2 } };
    expect(await server.data(both)).toEqual(applied);
    expect(await server.data(both)).toEqual(applied);
    expect(await ledgerOf(productId)).toEqual([{ version: 2 }, { version: 1 }]);
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
