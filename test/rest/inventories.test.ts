import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { newProduct, notFound, pathOf, refusal, RestClient } from "./rest-client.ts";
import type { RestAnswer } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

function stock(id: string, available: number, allocated = 0): object {
  return { id, type: "stock", total: available + allocated, available, allocated };
}

function multiple(ids: readonly string[]): Promise<RestAnswer> {
  return rest.send("POST", "/v2/inventories/multiple", { body: { data: ids.map((id) => ({ id })) } });
}

describe("POST /v2/inventories/:productId", () => {
  test.each([0, 5, 2_147_483_647])("starts tracking with %i units and answers 201 with the stock", async (quantity) => {
    const product = newProduct();
    const answer = await rest.send("POST", pathOf(product), { body: { data: { quantity } } });
    expect([answer.status, answer.body]).toEqual([201, { data: stock(product, quantity) }]);
    expect(await rest.levels(product)).toEqual([quantity, 0]);
  });

  test("is the first line of the product's history", async () => {
    const product = newProduct();
    await rest.send("POST", pathOf(product), { body: { data: { type: "stock", quantity: 5 } } });
    const history = await rest.send("GET", `${pathOf(product)}/transactions`);
    expect(history.body).toMatchObject({ data: [{ action: "create", quantity: 5 }], meta: { results: { all: 1 } } });
  });

  test("is 409 for a tracked product and changes nothing", async () => {
    const product = newProduct();
    await rest.send("POST", pathOf(product), { body: { data: { quantity: 5 } } });
    const answer = await rest.send("POST", pathOf(product), { body: { data: { quantity: 6 } } });
    expect([answer.status, answer.body]).toEqual([409, refusal(409, "Conflict", "The product has stock already")]);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });
});

describe("GET /v2/inventories/:productId", () => {
  test("answers with the stock", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 100);
    await rest.apply(product, "allocate", 10);
    const answer = await rest.send("GET", pathOf(product));
    expect([answer.status, answer.body]).toEqual([200, { data: stock(product, 90, 10) }]);
  });

  test("is 404 for a product that has no stock", async () => {
    const answer = await rest.send("GET", pathOf(newProduct()));
    expect([answer.status, answer.body]).toEqual([404, notFound]);
  });

  test("HEAD is answered alike, without a body", async () => {
    const product = newProduct();
    expect((await rest.send("HEAD", pathOf(product))).status).toBe(404);
    await rest.apply(product, "create", 1);
    const answer = await rest.send("HEAD", pathOf(product));
    expect([answer.status, answer.body]).toEqual([200, null]);
  });
});

describe("DELETE /v2/inventories/:productId", () => {
  test("stops tracking with an empty 204; history stays, and a new start goes on in it", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 5);
    const answer = await rest.send("DELETE", pathOf(product));
    expect([answer.status, answer.body]).toEqual([204, null]);
    expect(await rest.levels(product)).toBeNull();
    await rest.apply(product, "create", 7);
    expect(await rest.levels(product)).toEqual([7, 0]);
    const history = await rest.send("GET", `${pathOf(product)}/transactions`);
    expect(history.body).toMatchObject({ data: [{ quantity: 5 }, { quantity: 7 }], meta: { results: { all: 2 } } });
  });

  test("takes a JSON content type without a body, as SDKs send it", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 5);
    const answer = await rest.send("DELETE", pathOf(product), { headers: { "content-type": "application/json" } });
    expect([answer.status, answer.body]).toEqual([204, null]);
  });

  test("is 404 for a product that has no stock", async () => {
    const answer = await rest.send("DELETE", pathOf(newProduct()));
    expect([answer.status, answer.body]).toEqual([404, notFound]);
  });

  test("is 422 while units are allocated, and the stock stays", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 5);
    await rest.apply(product, "allocate", 2);
    const answer = await rest.send("DELETE", pathOf(product));
    const detail = "The stock can't be deleted while units are allocated";
    expect([answer.status, answer.body]).toEqual([422, refusal(422, "Cannot complete request", detail)]);
    expect(await rest.levels(product)).toEqual([3, 2]);
  });
});

describe("POST /v2/inventories/multiple", () => {
  test("answers in the order asked, leaves out what has no stock and names it", async () => {
    const [a, b, missing] = [newProduct(), newProduct(), newProduct()];
    await rest.apply(a, "create", 1);
    await rest.apply(b, "create", 2);
    const answer = await multiple([b, missing, a, b, missing]);
    expect([answer.status, answer.body]).toEqual([
      200,
      { data: [stock(b, 2), stock(a, 1), stock(b, 2)], meta: { missing_ids: [missing] } },
    ]);
  });

  test("takes 1 000 ids, and no more", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 1);
    const ids = [product, ...Array.from({ length: 999 }, (_, index) => `missing-${index}`)];
    const answer = await multiple(ids);
    expect([answer.status, answer.body]).toEqual([
      200,
      { data: [stock(product, 1)], meta: { missing_ids: ids.slice(1) } },
    ]);
    const tooMany = await multiple([...ids, "one more"]);
    expect([tooMany.status, tooMany.body]).toEqual([
      400,
      refusal(400, "Validation Error", "data has to have at most 1000 items"),
    ]);
  });

  test.each([
    [{ data: [] }, "data is empty"],
    [{ data: [{}] }, "data.0.id is missing"],
    [{ data: ["a"] }, "data.0 has to be an object, not a string"],
    [{ data: [{ id: "a" }, { id: 5 }] }, "data.1.id has to be a string, not a number"],
    [{ data: [{ id: "a" }, { id: "" }] }, "data.1.id is empty"],
    [
      { data: [{ id: "a" }, { id: "a\u0000" }] },
      "data[1]: The product id has a control character, a line break or half a surrogate pair",
    ],
    [{ data: { id: "a" } }, "data has to be an array, not an object"],
  ])("answers 400 to %j", async (body, detail) => {
    const answer = await rest.send("POST", "/v2/inventories/multiple", { body });
    expect([answer.status, answer.body]).toEqual([400, refusal(400, "Validation Error", detail)]);
  });
});
