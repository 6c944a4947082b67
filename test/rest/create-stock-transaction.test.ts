import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { insufficient, newProduct, notFound, pathOf, refusal, RestClient } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timestamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/;

function recorded(productId: string, action: string, quantity: number, extras: object = {}): object {
  return {
    data: {
      id: expect.stringMatching(uuid),
      type: "stock-transaction",
      action,
      product_id: productId,
      quantity,
      ...extras,
      timestamps: { created_at: expect.stringMatching(timestamp) },
    },
  };
}

function withVersion(expectedVersion: number): object {
  return { data: { type: "stock-transaction", action: "increment", quantity: 1, expected_version: expectedVersion } };
}

describe("POST /v2/inventories/:productId/transactions", () => {
  test.each([
    ["increment", 10, [110, 40]],
    ["decrement", 100, [0, 40]],
    ["allocate", 100, [0, 140]],
    ["deallocate", 40, [140, 0]],
  ])("%s %i answers 200 with the stock transaction and moves exactly those units", async (action, quantity, levels) => {
    const product = newProduct();
    await rest.apply(product, "create", 140);
    await rest.apply(product, "allocate", 40);
    const answer = await rest.apply(product, action, quantity);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(recorded(product, action, quantity));
    expect(answer.headers.get("idempotent-replayed")).toBeNull();
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await rest.levels(product)).toEqual(levels);
  });

  test.each(["increment", "create"])("%s starts tracking a product that has no stock", async (action) => {
    const product = newProduct();
    const answer = await rest.apply(product, action, 10);
    expect([answer.status, answer.body]).toEqual([200, recorded(product, action, 10)]);
    expect(await rest.levels(product)).toEqual([10, 0]);
  });

  test("create takes 0 units", async () => {
    const product = newProduct();
    const answer = await rest.apply(product, "create", 0);
    expect([answer.status, answer.body]).toEqual([200, recorded(product, "create", 0)]);
    expect(await rest.levels(product)).toEqual([0, 0]);
  });

  test.each(["decrement", "allocate", "deallocate"])(
    "%s on a product that has no stock is 404 and starts no tracking",
    async (action) => {
      const product = newProduct();
      const answer = await rest.apply(product, action, 1);
      expect([answer.status, answer.body]).toEqual([404, notFound]);
      expect(await rest.levels(product)).toBeNull();
    },
  );

  test("create on a tracked product is 409 and changes nothing", async () => {
    const product = newProduct();
    await rest.apply(product, "increment", 5);
    const answer = await rest.apply(product, "create", 7);
    expect([answer.status, answer.body]).toEqual([409, refusal(409, "Conflict", "The product has stock already")]);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test.each([
    ["decrement", 11],
    ["allocate", 11],
    ["deallocate", 4],
  ])("refuses to %s more than there is with the vendor's 422 and records nothing", async (action, quantity) => {
    const product = newProduct();
    await rest.apply(product, "create", 13);
    await rest.apply(product, "allocate", 3);
    const answer = await rest.apply(product, action, quantity);
    expect([answer.status, answer.body]).toEqual([422, insufficient]);
    expect(await rest.levels(product)).toEqual([10, 3]);
    const history = await rest.send("GET", `${pathOf(product)}/transactions`);
    expect(history.body).toMatchObject({ meta: { results: { all: 2 } } });
  });

  test("takes the greatest quantity, and refuses a level past it with 422", async () => {
    const product = newProduct();
    expect((await rest.apply(product, "increment", 2_147_483_647)).status).toBe(200);
    const answer = await rest.apply(product, "increment", 1);
    expect([answer.status, answer.body]).toEqual([
      422,
      refusal(422, "Cannot complete request", "The stock level would pass 2147483647"),
    ]);
    expect(await rest.levels(product)).toEqual([2_147_483_647, 0]);
  });

  test.each([
    ["1.0", 1],
    ["1e3", 1000],
  ])("takes the JSON number %s for the integer it is", async (json, quantity) => {
    const product = newProduct();
    const body = `{"data":{"type":"stock-transaction","action":"increment","quantity":${json}}}`;
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, { body });
    expect([answer.status, answer.body]).toEqual([200, recorded(product, "increment", quantity)]);
    expect(await rest.levels(product)).toEqual([quantity, 0]);
  });

  test("keeps a reason, a reference and a note, and shows them where they were given", async () => {
    const product = newProduct();
    const extras = { reason: "received", reference: "PO-1", note: "two pallets\nof three" };
    const body = {
      data: { type: "stock-transaction", action: "increment", quantity: 1, product_id: product, ...extras },
    };
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, { body });
    expect([answer.status, answer.body]).toEqual([200, recorded(product, "increment", 1, extras)]);
  });

  test("takes SQL in a reference, a note and a key for the text it is", async () => {
    const product = newProduct();
    const sql = "'; DROP TABLE stock;--";
    const extras = { reference: sql, note: `${sql}\n' OR 1=1--` };
    const body = { data: { type: "stock-transaction", action: "increment", quantity: 1, ...extras } };
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, {
      body,
      headers: { "idempotency-key": `${sql}${product}` },
    });
    expect([answer.status, answer.body]).toEqual([200, recorded(product, "increment", 1, extras)]);
    expect(await rest.levels(product)).toEqual([1, 0]);
  });

  test("applies with the expected version, and is 409 with a stale one", async () => {
    const product = newProduct();
    const path = `${pathOf(product)}/transactions`;
    expect((await rest.send("POST", path, { body: withVersion(0) })).status).toBe(200);
    expect((await rest.send("POST", path, { body: withVersion(1) })).status).toBe(200);
    const stale = await rest.send("POST", path, { body: withVersion(1) });
    expect([stale.status, stale.body]).toEqual([
      409,
      refusal(409, "Conflict", "The stock has changed: expectedVersion is not its current version"),
    ]);
    expect(await rest.levels(product)).toEqual([2, 0]);
  });

  test.each(["' OR 1=1--", "'; DROP TABLE stock;--", "a/b", "ünïcödé-商品-🧦", "100%", "a?b#c", "a+b c"])(
    "takes the product id %s literally",
    async (prefix) => {
      const product = `${prefix}${newProduct()}`;
      const answer = await rest.apply(product, "increment", 3);
      expect([answer.status, answer.body]).toEqual([200, recorded(product, "increment", 3)]);
      expect(await rest.levels(product)).toEqual([3, 0]);
    },
  );

  test("takes a product id of 255 characters of four bytes", async () => {
    const product = `${"🧦".repeat(215)}${newProduct()}`;
    expect(Array.from(product)).toHaveLength(255);
    const answer = await rest.apply(product, "increment", 3);
    expect([answer.status, answer.body]).toEqual([200, recorded(product, "increment", 3)]);
  });
});
