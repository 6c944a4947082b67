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

const keyOf = (product: string): { "idempotency-key": string } => ({ "idempotency-key": `key-of-${product}` });

const reused = refusal(
  422,
  "Cannot complete request",
  "The idempotency key was used for a request with other arguments",
);

describe("Idempotency-Key", () => {
  test("is refused where it would have to be ignored: a deletion that is sent again may meet another stock", async () => {
    await rest.apply("kept", "create", 4);
    const answer = await rest.send("DELETE", "/v2/inventories/kept", { headers: { "idempotency-key": "k" } });
    const refusal = { status: 400, title: "Validation Error", detail: "Idempotency-Key is not taken here" };
    expect([answer.status, answer.body]).toEqual([400, { errors: [refusal] }]);
    expect((await rest.send("GET", "/v2/inventories/kept")).status).toBe(200);
  });

  test("a repeated request is applied once and gets the first answer, marked as replayed", async () => {
    const product = newProduct();
    const first = await rest.apply(product, "increment", 5, keyOf(product));
    const second = await rest.apply(product, "increment", 5, keyOf(product));
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([200, null]);
    expect([second.status, second.headers.get("idempotent-replayed"), second.body]).toEqual([200, "true", first.body]);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test("a refusal is replayed too, although the stock would do by now", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 1);
    const first = await rest.apply(product, "decrement", 2, keyOf(product));
    await rest.apply(product, "increment", 5);
    const second = await rest.apply(product, "decrement", 2, keyOf(product));
    expect([first.status, first.headers.get("idempotent-replayed"), first.body]).toEqual([422, null, insufficient]);
    expect([second.status, second.headers.get("idempotent-replayed"), second.body]).toEqual([
      422,
      "true",
      insufficient,
    ]);
    expect(await rest.levels(product)).toEqual([6, 0]);
  });

  test("a 404 is replayed too", async () => {
    const product = newProduct();
    await rest.apply(product, "decrement", 2, keyOf(product));
    await rest.apply(product, "increment", 5);
    const second = await rest.apply(product, "decrement", 2, keyOf(product));
    expect([second.status, second.headers.get("idempotent-replayed"), second.body]).toEqual([404, "true", notFound]);
  });

  test("50 requests at once with one key are applied once and answered alike", async () => {
    const product = newProduct();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => rest.apply(product, "increment", 5, keyOf(product))),
    );
    const [first] = answers;
    expect(answers.map(({ status, body }) => [status, body])).toEqual(answers.map(() => [200, first?.body]));
    expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test("starting to track is replayed with the levels it started with", async () => {
    const product = newProduct();
    const request = { body: { data: { quantity: 5 } }, headers: keyOf(product) };
    const first = await rest.send("POST", pathOf(product), request);
    await rest.apply(product, "increment", 5);
    const second = await rest.send("POST", pathOf(product), request);
    expect([second.status, second.headers.get("idempotent-replayed"), second.body]).toEqual([201, "true", first.body]);
    expect(await rest.levels(product)).toEqual([10, 0]);
  });

  test.each([
    ["another action", "decrement", 5],
    ["another quantity", "increment", 6],
  ])("a key spent on a request with %s is 422 and changes nothing", async (_name, action, quantity) => {
    const product = newProduct();
    await rest.apply(product, "increment", 5, keyOf(product));
    const answer = await rest.apply(product, action, quantity, keyOf(product));
    expect([answer.status, answer.body]).toEqual([422, reused]);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test("a key spent on another product is 422", async () => {
    const [product, other] = [newProduct(), newProduct()];
    await rest.apply(product, "increment", 5, keyOf(product));
    const answer = await rest.apply(other, "increment", 5, keyOf(product));
    expect([answer.status, answer.body]).toEqual([422, reused]);
    expect(await rest.levels(other)).toBeNull();
  });

  test("another client's same key is another key", async () => {
    const product = newProduct();
    await rest.apply(product, "increment", 5, keyOf(product));
    const authorization = `Bearer ${await gateway.token(["inventory:read", "inventory:write"])}`;
    const answer = await rest.apply(product, "increment", 6, { ...keyOf(product), authorization });
    expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([200, null]);
    expect(await rest.levels(product)).toEqual([11, 0]);
  });

  test("a malformed request spends no key", async () => {
    const product = newProduct();
    expect((await rest.apply(product, "increment", 0, keyOf(product))).status).toBe(400);
    expect((await rest.apply(product, "increment", 5, keyOf(product))).status).toBe(200);
  });

  const oneKey = "Idempotency-Key has to be one key, without a comma";
  const length = "Idempotency-Key has to have 1 to 255 characters";
  const ascii = "Idempotency-Key may only have printable ASCII characters, with no space at either end";
  test.each([
    ["empty", "", length],
    ["256 characters", "k".repeat(256), length],
    ["not ASCII", "schlüssel", ascii],
    ["a tab", "a\tb", ascii],
    ["two, joined by a proxy", "a, b", oneKey],
  ])("a key that is %s is 400 and nothing is applied", async (_name, key, detail) => {
    const product = newProduct();
    const answer = await rest.apply(product, "increment", 5, { "idempotency-key": key });
    expect([answer.status, answer.body]).toEqual([400, refusal(400, "Validation Error", detail)]);
    expect(await rest.levels(product)).toBeNull();
  });

  test("two different headers are 400; the same one twice is one", async () => {
    const product = newProduct();
    const body = JSON.stringify({ data: { type: "stock-transaction", action: "increment", quantity: 5 } });
    const path = `${pathOf(product)}/transactions`;
    const different = await rest.sendRaw(
      "POST",
      path,
      [
        ["Idempotency-Key", "a"],
        ["idempotency-key", "b"],
      ],
      body,
    );
    expect(different).toEqual([400, refusal(400, "Validation Error", oneKey)]);
    expect(await rest.levels(product)).toBeNull();
    const [status] = await rest.sendRaw(
      "POST",
      path,
      [
        ["Idempotency-Key", "a"],
        ["Idempotency-Key", "a"],
      ],
      body,
    );
    expect(status).toBe(200);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });
});
