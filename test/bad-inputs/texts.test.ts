import { request } from "node:http";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { documentRefusal, errorEntry, inputRefusal, restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open();
});

afterAll(() => target.close());

const increment = { action: "INCREMENT", quantity: 1 };
const restIncrement = { action: "increment", quantity: 1 };

/** Asks for a path as it stands: fetch would normalise it. */
async function sendPath(method: string, path: string, body?: object): Promise<Answer> {
  const { hostname, port } = new URL(target.gateway.url);
  const headers = { authorization: `Bearer ${target.token}`, "content-type": "application/json" };
  const sent = request({ hostname, port, method, path, headers }).end(body === undefined ? "" : JSON.stringify(body));
  const [response] = await once(sent, "response");
  return { status: response.statusCode, body: await json(response) };
}

describe("a product id", () => {
  const unprintable = "has a control character, a line break or half a surrogate pair";

  test.each([
    ["empty", "", "is empty"],
    ["of 256 characters", "x".repeat(256), "is longer than 255 characters"],
    ["with NUL", "a\u0000b", unprintable],
    ["with a control character", "a\u0007b", unprintable],
    ["with a line feed", "a\nb", unprintable],
    ["with a carriage return", "a\rb", unprintable],
    ["with a line separator", "a\u2028b", unprintable],
    ["with a next-line character", "a\u0085b", unprintable],
    ["with the first half of a surrogate pair", "a\ud800", unprintable],
    ["with the second half", "\udc00a", unprintable],
  ])("B10: %s is BAD_USER_INPUT and has no effect", async (_what, productId, fault) => {
    const answer = await target.withoutEffect(() => target.move({ productId, ...increment }));
    expect(answer).toEqual(inputRefusal("productId", `productId ${fault}`));
  });

  test.each([
    ["", "is empty"],
    ["x".repeat(256), "has to have at most 255 characters"],
    ["a%00b", unprintable],
    ["a%07b", unprintable],
    ["a%0D%0Ab", unprintable],
    ["a%E2%80%A8b", unprintable],
  ])("B10: %.20j in a REST path is 400 and has no effect", async (id, fault) => {
    const path = `/v2/inventories/${id}/transactions`;
    const body = { data: { type: "stock-transaction", ...restIncrement } };
    const answer = await target.withoutEffect(() => sendPath("POST", path, body));
    expect(answer).toEqual(restRefusal(400, `The product id ${fault}`));
  });

  test("B10: half a surrogate pair, percent-encoded, is 400 over REST and has no effect", async () => {
    const answer = await target.withoutEffect(() =>
      sendPath("POST", "/v2/inventories/a%ED%A0%80", { data: { quantity: 1 } }),
    );
    expect(answer).toEqual(restRefusal(400, "The path is not correctly percent-encoded"));
  });

  test.each([0xff, 0xfe, 0xc3])("B10: with the byte %d, which is not UTF-8, is 400 and has no effect", async (byte) => {
    const [before, after] = JSON.stringify({
      query: 'mutation { createStockTransaction(productId: "a|", action: INCREMENT, quantity: 1) { version } }',
    }).split("|");
    const answer = await target.withoutEffect(async () => {
      const response = await fetch(`${target.gateway.url}/graphql`, {
        method: "POST",
        headers: { authorization: `Bearer ${target.token}`, "content-type": "application/json" },
        body: Buffer.concat([Buffer.from(before ?? ""), Buffer.of(byte), Buffer.from(after ?? "")]),
      });
      return { status: response.status, body: await response.json() };
    });
    expect(answer).toEqual({
      status: 400,
      body: { errors: [{ message: "The body is not UTF-8", extensions: { code: "BAD_USER_INPUT", status: 400 } }] },
    });
  });

  test.each([" a", "a ", "\u00a0a", "a\u3000", " "])(
    "B11: %j is BAD_USER_INPUT over both transports and has no effect",
    async (productId) => {
      const [graphql, rest] = await target.withoutEffect(async () => [
        await target.move({ productId, ...increment }),
        await target.moveOverRest(productId, restIncrement),
      ]);
      expect(graphql).toEqual(inputRefusal("productId", "productId begins or ends with a space"));
      expect(rest).toEqual(restRefusal(400, "The product id begins or ends with a space"));
    },
  );
});

test.each([
  "' OR 1=1--",
  "'; DROP TABLE stock;--",
  `"); DELETE FROM stock; --`,
  "${jndi:ldap://x}",
  "$1",
  "\\'; --",
  "%' OR '1'='1",
])("B12: %j as id, key, reference and note is taken literally, and the tables stay", async (text) => {
  const productId = `${text} id`;
  const first = await target.move({ productId, ...increment, idempotencyKey: text, reference: text, note: text });
  expect(first).toEqual({
    status: 200,
    body: { data: { createStockTransaction: { version: 1, availableAfter: 1, allocatedAfter: 0 } } },
  });
  expect(
    (
      await target.moveOverRest(
        productId,
        { ...restIncrement, reference: text, note: text },
        { "idempotency-key": `${text} 2` },
      )
    ).status,
  ).toBe(200);
  const query = `query ($id: ID!, $prefix: String!, $key: String!) {
      stock(productId: $id) { version transactions { nodes { productId reference note idempotencyKey } } }
      stocks(filter: { productIdPrefix: $prefix }) { totalCount }
      stockTransactionByIdempotencyKey(idempotencyKey: $key) { transaction { version } }
    }`;
  const line = { productId, reference: text, note: text };
  const { body } = await target.graphql(query, { id: productId, prefix: productId, key: text });
  expect(body).toEqual({
    data: {
      stock: {
        version: 2,
        transactions: {
          nodes: [
            { ...line, idempotencyKey: `${text} 2` },
            { ...line, idempotencyKey: text },
          ],
        },
      },
      stocks: { totalCount: 1 },
      stockTransactionByIdempotencyKey: { transaction: { version: 1 } },
    },
  });
});

test.each(["steal", "__proto__", "constructor", "toString", "hasOwnProperty", "", "Increment", "INCREMENT "])(
  "B13: the action %j is HTTP 400 over both transports and has no effect",
  async (action) => {
    const [graphql, rest, wrongCase] = await target.withoutEffect(async () => [
      await target.move({ productId: "shirt", action, quantity: 1 }),
      await target.moveOverRest("shirt", { action, quantity: 1 }),
      await target.moveOverRest("shirt", { action: action.toUpperCase(), quantity: 1 }),
    ]);
    expect(graphql).toEqual(
      documentRefusal(
        expect.stringMatching(
          /^Variable "\$action" got invalid value "[^"]*"; Value "[^"]*" does not exist in "StockAction" enum\./,
        ),
      ),
    );
    const detail = `data.action has to be one of "create", "increment", "decrement", "allocate", "deallocate"`;
    expect([rest, wrongCase]).toEqual([restRefusal(400, detail), restRefusal(400, detail)]);
  },
);

describe("B14: arguments", () => {
  test.each([
    ["productId", "ID!", `action: INCREMENT, quantity: 1`],
    ["action", "StockAction!", `productId: "shirt", quantity: 1`],
    ["quantity", "Int!", `productId: "shirt", action: INCREMENT`],
  ])("%s missing is HTTP 400 and has no effect", async (name, type, given) => {
    const document = `mutation { createStockTransaction(${given}) { version } }`;
    const message = `Field "createStockTransaction" argument "${name}" of type "${type}" is required, but it was not provided.`;
    expect(await target.withoutEffect(() => target.graphql(document))).toEqual(
      documentRefusal(message, "GRAPHQL_VALIDATION_FAILED"),
    );
  });

  test.each([
    [{ quantity: 1 }, "data.action is missing"],
    [{ action: "increment" }, "data.quantity is missing"],
    [{ action: "increment", quantity: 1, warehouse: "a" }, "data.warehouse is not known"],
  ])("%j is 400 over REST and has no effect", async (data, detail) => {
    expect(await target.withoutEffect(() => target.moveOverRest("shirt", data))).toEqual(restRefusal(400, detail));
  });

  test("an unknown one added is HTTP 400 and has no effect", async () => {
    const document = `mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1, warehouse: "a") { version } }`;
    expect(await target.withoutEffect(() => target.graphql(document))).toEqual(
      documentRefusal(
        `Unknown argument "warehouse" on field "Mutation.createStockTransaction".`,
        "GRAPHQL_VALIDATION_FAILED",
      ),
    );
  });
});

test.each(["DECREMENT", "ALLOCATE", "DEALLOCATE"])(
  "B15: %s of a product that is not tracked is STOCK_NOT_FOUND and has no effect",
  async (action) => {
    const [graphql, rest] = await target.withoutEffect(async () => [
      await target.move({ productId: "nowhere", action, quantity: 1 }),
      await target.moveOverRest("nowhere", { action: action.toLowerCase(), quantity: 1 }),
    ]);
    const levels = { available: null, allocated: null, version: 0 };
    expect(graphql).toEqual(
      errorEntry("The product has no stock", {
        code: "STOCK_NOT_FOUND",
        status: 404,
        title: "Not Found",
        detail: "The product has no stock",
        productId: "nowhere",
        action,
        requested: 1,
        ...levels,
        replayed: false,
      }),
    );
    expect(rest).toEqual(restRefusal(404, "The resource could not be found"));
  },
);

describe("B16: a text over its bound or with line breaks is refused, or stays one line in the log", () => {
  test.each([
    ["reference", "r".repeat(256), "is longer than 255 characters", "has to have at most 255 characters"],
    ["note", "n".repeat(1_001), "is longer than 1000 characters", "has to have at most 1000 characters"],
    [
      "reference",
      "a\r\nb",
      "has a control character or half a surrogate pair",
      "has a control character or half a surrogate pair",
    ],
  ])("%s %.10j", async (field, text, graphqlFault, restFault) => {
    const [graphql, rest] = await target.withoutEffect(async () => [
      await target.move({ productId: "shirt", ...increment, [field]: text }),
      await target.moveOverRest("shirt", { ...restIncrement, [field]: text }),
    ]);
    expect(graphql).toEqual(inputRefusal(field, `${field} ${graphqlFault}`));
    expect(rest).toEqual(restRefusal(400, `data.${field} ${restFault}`));
  });

  test("a note of several lines", async () => {
    const note = `first\r\n{"level":60,"msg":"forged"}`;
    expect((await target.move({ productId: "noted", ...increment, note })).status).toBe(200);
    expect(target.gateway.log.filter((line) => line.includes("forged"))).toEqual([]);
    expect(target.gateway.log.every((line) => line.trimEnd().split("\n").length === 1)).toBe(true);
  });
});

describe("B17: paths", () => {
  const notFound = restRefusal(404, "The resource could not be found");
  const encoding = restRefusal(400, "The path is not correctly percent-encoded");

  test.each<[string, Answer]>([
    ["/v2/inventories/../oauth", notFound],
    ["/v2/inventories/%2e%2e/oauth", notFound],
    ["/v2/inventories/%2e%2e", restRefusal(400, `The product id ".." is reserved`)],
    [
      "/v2/inventories/%00",
      restRefusal(400, "The product id has a control character, a line break or half a surrogate pair"),
    ],
    ["/v2/inventories/%", encoding],
    ["/v2/inventories/%zz", encoding],
    ["/v2//inventories", notFound],
    ["//v2/inventories/shirt", notFound],
  ])("%s", async (path, expected) => {
    expect(await target.withoutEffect(() => sendPath("GET", path))).toEqual(expected);
  });

  test("an id in the path that is not the body's product_id", async () => {
    const answer = await target.withoutEffect(() =>
      target.moveOverRest("shirt", { ...restIncrement, product_id: "other" }),
    );
    expect(answer).toEqual(restRefusal(400, "data.product_id is not the product of the path"));
  });
});

describe("B18: pages", () => {
  test.each([
    ["page[limit]=-1", "page[limit] has to be at least 0"],
    ["page[limit]=101", "page[limit] has to be at most 100"],
    ["page[limit]=1e9", "page[limit] has to be an integer"],
    ["page[limit]=1000000000", "page[limit] has to be at most 100"],
    ["page[limit]=abc", "page[limit] has to be an integer"],
    ["page[offset]=10001", "page[offset] has to be at most 10000"],
  ])("%s is 400", async (query, detail) => {
    for (const path of ["/v2/inventories", "/v2/inventories/shirt/transactions"])
      expect(await target.send(`${path}?${query}`, { method: "GET" })).toEqual(restRefusal(400, detail));
  });

  test.each([
    ["first", { first: -1 }],
    ["first", { first: 101 }],
    ["last", { first: 1, last: 1 }],
    ["after", { after: "made up" }],
    ["before", { last: 1, before: Buffer.from(`["stocks:PRODUCT_ID",{}]`).toString("base64url") }],
  ])("%s of %j is BAD_USER_INPUT", async (field, variables) => {
    const document = `query ($first: Int, $after: String, $last: Int, $before: String) {
      stocks(first: $first, after: $after, last: $last, before: $before) { nodes { version } } }`;
    const extensions = { code: "BAD_USER_INPUT", status: 400, field };
    expect(await target.graphql(document, variables)).toEqual({
      status: 200,
      body: {
        data: null,
        errors: [{ message: expect.any(String), locations: [{ line: 2, column: 7 }], path: ["stocks"], extensions }],
      },
    });
  });
});
