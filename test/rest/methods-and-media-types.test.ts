import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { newProduct, pathOf, refusal, RestClient } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

describe("405", () => {
  test.each([
    ["/v2/inventories", "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE"]],
    ["/v2/inventories/a", "DELETE, GET, HEAD, POST", ["PUT", "PATCH"]],
    ["/v2/inventories/multiple", "POST", ["GET", "PUT", "PATCH", "DELETE"]],
    ["/v2/inventories/a/transactions", "GET, HEAD, POST", ["PUT", "PATCH", "DELETE"]],
    ["/v2/inventories/a/transactions/b", "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE"]],
    ["/oauth/access_token", "POST", ["GET", "PUT", "PATCH", "DELETE"]],
    ["/openapi.json", "GET, HEAD", ["POST", "PUT", "PATCH", "DELETE"]],
  ])("%s allows %s", async (path, allow, methods) => {
    for (const method of methods) {
      const answer = await rest.send(method, path, {
        headers: { "content-type": "text/plain" },
        ...(method === "GET" ? {} : { body: "{" }),
      });
      const expected = refusal(405, "Method Not Allowed", `The path takes ${allow}`);
      expect([method, answer.status, answer.headers.get("allow"), answer.body]).toEqual([method, 405, allow, expected]);
    }
  });

  test("HEAD where only POST is taken", async () => {
    const answer = await rest.send("HEAD", "/v2/inventories/multiple");
    expect([answer.status, answer.headers.get("allow"), answer.body]).toEqual([405, "POST", null]);
  });
});

describe("415, and nothing is applied", () => {
  const notJson = refusal(415, "Unsupported Media Type", "The body has to be application/json");
  test.each([
    ["text/plain", notJson],
    ["application/x-www-form-urlencoded", notJson],
    ["multipart/form-data; boundary=x", notJson],
    ["application/vnd.api+json", notJson],
    ["nonsense", notJson],
    ["application/json; charset=utf-7", refusal(415, "Unsupported Media Type", "The body has to be in UTF-8")],
    ["application/json; charset=utf-16", refusal(415, "Unsupported Media Type", "The body has to be in UTF-8")],
  ])("a body as %s", async (type, expected) => {
    const product = newProduct();
    const body = { data: { type: "stock-transaction", action: "increment", quantity: 1 } };
    const answer = await rest.send("POST", `${pathOf(product)}/transactions`, {
      body,
      headers: { "content-type": type },
    });
    expect([answer.status, answer.body]).toEqual([415, expected]);
    expect(await rest.levels(product)).toBeNull();
  });

  test.each(["gzip", "br", "nonsense"])("a body encoded with %s", async (encoding) => {
    const product = newProduct();
    const headers = { "content-encoding": encoding };
    const answer = await rest.send("POST", pathOf(product), { body: { data: { quantity: 1 } }, headers });
    expect([answer.status, answer.body]).toEqual([
      415,
      refusal(415, "Unsupported Media Type", "The body must not be compressed"),
    ]);
    expect(await rest.levels(product)).toBeNull();
  });
});

test.each([
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  "Application/JSON",
])("a body as %s is read", async (type) => {
  const body = { data: { quantity: 1 } };
  expect((await rest.send("POST", pathOf(newProduct()), { body, headers: { "content-type": type } })).status).toBe(201);
});

describe("413", () => {
  test("a body of 1 MiB and one byte; one of 1 MiB is looked at", async () => {
    const product = newProduct();
    const head = `{"data":{"quantity":1},"pad":"`;
    const bodyOf = (bytes: number): string => `${head}${"x".repeat(bytes - head.length - 2)}"}`;
    const tooLarge = await rest.send("POST", pathOf(product), { body: bodyOf(1_048_577) });
    expect([tooLarge.status, tooLarge.body]).toEqual([413, refusal(413, "Payload Too Large", "The body is too large")]);
    const looked = await rest.send("POST", pathOf(product), { body: bodyOf(1_048_576) });
    expect([looked.status, looked.body]).toEqual([400, refusal(400, "Validation Error", "pad is not known")]);
    expect(await rest.levels(product)).toBeNull();
  });
});
