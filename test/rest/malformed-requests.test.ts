import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { newProduct, notFound, pathOf, refusal, RestClient } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

function validationError(detail: string): object {
  return refusal(400, "Validation Error", detail);
}

/** What must not have happened: the product keeps its 10 units and its one line of history. */
async function expectUntouched(product: string): Promise<void> {
  const history = await rest.send("GET", `${pathOf(product)}/transactions`);
  expect([await rest.levels(product), history.body]).toMatchObject([[10, 0], { meta: { results: { all: 1 } } }]);
}

const actions = `one of "create", "increment", "decrement", "allocate", "deallocate"`;

/** The JSON text of a request for a stock transaction, of parts that are JSON text themselves. */
function transaction(quantity: string, action = `"increment"`): string {
  return `{"data":{"type":"stock-transaction","action":${action},"quantity":${quantity}}}`;
}

describe("400, and nothing is applied", () => {
  test.each([
    [`"5"`, "has to be an integer, not a string"],
    [`"0x10"`, "has to be an integer, not a string"],
    [`"1_000"`, "has to be an integer, not a string"],
    [`" 5 "`, "has to be an integer, not a string"],
    [`"+5"`, "has to be an integer, not a string"],
    [`"٥"`, "has to be an integer, not a string"],
    [`"５"`, "has to be an integer, not a string"],
    ["null", "has to be an integer, not null"],
    ["true", "has to be an integer, not a boolean"],
    ["[5]", "has to be an integer, not an array"],
    ["{}", "has to be an integer, not an object"],
    ["1.5", "has to be an integer, not a fraction"],
    ["1e999", "has to be an integer, not a number that large"],
    ["1".repeat(10_000), "has to be an integer, not a number that large"],
    ["-1", "has to be at least 1"],
    ["0", "has to be at least 1"],
    ["-0", "has to be at least 1"],
    ["2147483648", "has to be at most 2147483647"],
    ["9007199254740993", "has to be at most 2147483647"],
  ])("quantity %.20s", async (quantity, fault) => {
    const product = newProduct();
    await rest.apply(product, "create", 10);
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, { body: transaction(quantity) });
    expect([answer.status, answer.body]).toEqual([400, validationError(`data.quantity ${fault}`)]);
    await expectUntouched(product);
  });

  test.each([
    ["-1", "data.quantity has to be at least 0"],
    ["-0", "data.quantity has to be an integer from 0 to 2147483647"],
    [`"5"`, "data.quantity has to be an integer, not a string"],
    ["1.5", "data.quantity has to be an integer, not a fraction"],
    ["2147483648", "data.quantity has to be at most 2147483647"],
  ])("quantity %s where tracking starts, on both ways to start it", async (quantity, detail) => {
    const product = newProduct();
    const created = await rest.send("POST", pathOf(product), { body: `{"data":{"quantity":${quantity}}}` });
    expect([created.status, created.body]).toEqual([400, validationError(detail)]);
    const applied = await rest.send("POST", `${pathOf(product)}/transactions`, {
      body: transaction(quantity, `"create"`),
    });
    expect([applied.status, applied.body]).toEqual([400, validationError(detail)]);
    expect(await rest.levels(product)).toBeNull();
  });

  test.each(["steal", "__proto__", "constructor", "toString", "Increment", "INCREMENT", "", "increment "])(
    "action %j",
    async (action) => {
      const product = newProduct();
      await rest.apply(product, "create", 10);
      const answer = await rest.apply(product, action, 1);
      expect([answer.status, answer.body]).toEqual([400, validationError(`data.action has to be ${actions}`)]);
      await expectUntouched(product);
    },
  );

  test.each([
    [{}, "data is missing"],
    [{ data: {} }, "data.type is missing"],
    [{ data: { action: "increment", quantity: 1 } }, "data.type is missing"],
    [{ data: { type: "stock-transaction", quantity: 1 } }, "data.action is missing"],
    [{ data: { type: "stock-transaction", action: "increment" } }, "data.quantity is missing"],
    [{ data: { type: "stock", action: "increment", quantity: 1 } }, `data.type has to be "stock-transaction"`],
    [{ data: { type: 5, action: "increment", quantity: 1 } }, "data.type has to be a string, not a number"],
    [{ data: { type: "stock-transaction", action: 5, quantity: 1 } }, "data.action has to be a string, not a number"],
    [
      { data: { type: "stock-transaction", action: "increment", quantitty: 1, quantity: 1 } },
      "data.quantitty is not known",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, ["a\r\nb"]: 1 } },
      "data.a field is not known",
    ],
    [{ data: { type: "stock-transaction", action: "increment", quantity: 1 }, meta: {} }, "meta is not known"],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, product_id: "other" } },
      "data.product_id is not the product of the path",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, reason: "RECEIVED" } },
      `data.reason has to be one of "received", "sold", "returned", "damaged", "lost", "transferred", "correction", "reserved", "released", "other"`,
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, reference: "r".repeat(256) } },
      "data.reference has to have at most 255 characters",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, reference: "a\r\nb" } },
      "data.reference has a control character or half a surrogate pair",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, note: "n".repeat(1001) } },
      "data.note has to have at most 1000 characters",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, note: "a\u0000b" } },
      "data.note has a control character or half a surrogate pair",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, note: "\ud800" } },
      "data.note has a control character or half a surrogate pair",
    ],
    [
      { data: { type: "stock-transaction", action: "increment", quantity: 1, expected_version: -1 } },
      "data.expected_version has to be at least 0",
    ],
    [{ data: [] }, "data has to be an object, not an array"],
    [{ data: null }, "data has to be an object, not null"],
  ])("body %j", async (body, detail) => {
    const product = newProduct();
    await rest.apply(product, "create", 10);
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, { body });
    expect([answer.status, answer.body]).toEqual([400, validationError(detail)]);
    await expectUntouched(product);
  });

  test.each([
    ["", "The body has to be a JSON object"],
    ["null", "The body has to be a JSON object"],
    [`"text"`, "The body has to be a JSON object"],
    ["[]", "The body has to be a JSON object"],
    ["{", "The body is not JSON"],
    ["action=increment", "The body is not JSON"],
    [transaction("NaN"), "The body is not JSON"],
    [transaction("Infinity"), "The body is not JSON"],
    [transaction("1").slice(0, -1), "The body is not JSON"],
    ["[".repeat(45_000), "The JSON is nested deeper than 100 levels"],
    [`{"data":${"[".repeat(45_000)}${"]".repeat(45_000)}}`, "The JSON is nested deeper than 100 levels"],
    [`{"data":[[]]}`, "data has to be an object, not an array"],
  ])("the text %.40s", async (body, detail) => {
    const product = newProduct();
    await rest.apply(product, "create", 10);
    for (const path of [`${pathOf(product)}/transactions`, pathOf(product), "/v2/inventories/multiple"]) {
      const answer = await rest.send("POST", path, { body });
      const expected =
        path.endsWith("multiple") && detail.startsWith("data") ? "data.0 has to be an object, not an array" : detail;
      expect([answer.status, answer.body]).toEqual([400, validationError(expected)]);
    }
    await expectUntouched(product);
  });

  test("an unreadable body, of which nothing is repeated in the answer or in the log", async () => {
    const body = `{"client_secret":"hunter2-of-${newProduct()}"`;
    const answer = await rest.send("POST", `${pathOf("a")}/transactions`, { body });
    expect([answer.status, answer.body]).toEqual([400, validationError("The body is not JSON")]);
    expect(gateway.log.filter((line) => line.includes("hunter2"))).toEqual([]);
    expect(gateway.log.filter((line) => line.includes("/v2/inventories/:productId/transactions"))).not.toEqual([]);
  });

  test("a body that is not UTF-8", async () => {
    const product = newProduct();
    const response = await fetch(`${gateway.url}${pathOf(product)}`, {
      method: "POST",
      headers: { authorization: `Bearer ${await gateway.token()}`, "content-type": "application/json" },
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect([response.status, await response.json()]).toEqual([400, validationError("The body is not JSON")]);
  });

  test.each([
    `{"data":{"quantity":1,"__proto__":{"polluted":1}}}`,
    `{"__proto__":{"polluted":1},"data":{"quantity":1}}`,
    `{"data":{"quantity":1,"constructor":{"prototype":{"polluted":1}}}}`,
  ])("%s, and no prototype is touched", async (body) => {
    const product = newProduct();
    expect((await rest.send("POST", pathOf(product), { body })).status).toBe(400);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(await rest.levels(product)).toBeNull();
  });
});

describe("a product id", () => {
  test.each([
    ["%00", "The product id has a control character, a line break or half a surrogate pair"],
    ["a%0D%0Ab", "The product id has a control character, a line break or half a surrogate pair"],
    ["%E2%80%A8", "The product id has a control character, a line break or half a surrogate pair"],
    ["%20a", "The product id begins or ends with a space"],
    ["a%20", "The product id begins or ends with a space"],
    ["%2e%2e", `The product id ".." is reserved`],
    ["..", `The product id ".." is reserved`],
    ["%2e", `The product id "." is reserved`],
    ["multipl%65", `The product id "multiple" is reserved`],
    ["", "The product id is empty"],
    ["a".repeat(256), "The product id has to have at most 255 characters"],
    ["%F0%9F%A7%A6".repeat(256), "The product id has to have at most 255 characters"],
    ["%", "The path is not correctly percent-encoded"],
    ["%zz", "The path is not correctly percent-encoded"],
    ["%ED%A0%80", "The path is not correctly percent-encoded"],
    ["%ff", "The path is not correctly percent-encoded"],
  ])("%.30s is 400 wherever it stands", async (id, detail) => {
    for (const path of [
      `/v2/inventories/${id}/transactions`,
      `/v2/inventories/${id}/transactions/0195c2d4-0000-7000-8000-000000000000`,
    ])
      expect(await rest.sendRaw("GET", path)).toEqual([400, validationError(detail)]);
    const write = await rest.sendRaw("POST", `/v2/inventories/${id}/transactions`, [], transaction("1"));
    expect(write).toEqual([400, validationError(detail)]);
  });

  test("with brackets, quotes and bars arrives raw or encoded alike", async () => {
    const product = `${newProduct()}[1]|"{}^`;
    await rest.apply(product, "create", 10);
    const answer = await rest.sendRaw("GET", `/v2/inventories/${product}`);
    expect(answer).toEqual([200, { data: { id: product, type: "stock", total: 10, available: 10, allocated: 0 } }]);
  });
});

describe("a page", () => {
  test.each([
    ["page[limit]=-1", "page[limit] has to be at least 0"],
    ["page[limit]=101", "page[limit] has to be at most 100"],
    ["page[limit]=1000000000", "page[limit] has to be at most 100"],
    ["page[limit]=99999999999999999999999999", "page[limit] has to be at most 100"],
    ["page[limit]=1e9", "page[limit] has to be an integer"],
    ["page[limit]=abc", "page[limit] has to be an integer"],
    ["page[limit]=", "page[limit] has to be an integer"],
    ["page[limit]=0x10", "page[limit] has to be an integer"],
    ["page[limit]=1.0", "page[limit] has to be an integer"],
    ["page[limit]=%205", "page[limit] has to be an integer"],
    ["page[limit]=%D9%A5", "page[limit] has to be an integer"],
    ["page[limit]=5&page[limit]=6", "page[limit] has to be an integer"],
    ["page[offset]=-1", "page[offset] has to be at least 0"],
    ["page[offset]=10001", "page[offset] has to be at most 10000"],
    ["page%5Boffset%5D=abc", "page[offset] has to be an integer"],
  ])("with %s is 400", async (query, detail) => {
    const product = newProduct();
    await rest.apply(product, "create", 10);
    for (const path of ["/v2/inventories", `${pathOf(product)}/transactions`]) {
      const answer = await rest.send("GET", `${path}?${query}`);
      expect([answer.status, answer.body]).toEqual([400, validationError(detail)]);
    }
  });
});

describe("404", () => {
  test.each([
    "/v2",
    "/v2/",
    "/v2/nowhere",
    "/v2/products",
    "/v2/inventories/../oauth",
    "/v2/inventories/a/b",
    "/v2/inventories/a/transactions/b/c",
    "/v2/Inventories",
    "/v2/%00",
    "/v2/inventories/a/transactions/../../../etc/passwd",
  ])("%s is not found", async (path) => {
    expect(await rest.sendRaw("GET", path)).toEqual([404, notFound]);
    expect(await rest.sendRaw("POST", path, [], "{")).toEqual([404, notFound]);
  });
});
