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

const unauthenticated = refusal(401, "Unable to validate access token");

function forbidden(scope: string): object {
  return refusal(403, "Forbidden", `The access token lacks the scope ${scope}`);
}

/** Every route with a sound request for it. */
function requestsOn(product: string): {
  readonly [scope: string]: readonly (readonly [method: string, path: string, body?: object])[];
} {
  const path = pathOf(product);
  return {
    "inventory:read": [
      ["GET", "/v2/inventories"],
      ["GET", path],
      ["GET", `${path}/transactions`],
      ["GET", `${path}/transactions/0195c2d4-0000-7000-8000-000000000000`],
      ["POST", "/v2/inventories/multiple", { data: [{ id: product }] }],
    ],
    "inventory:write": [
      ["POST", `${path}/transactions`, { data: { type: "stock-transaction", action: "increment", quantity: 1 } }],
      ["POST", path, { data: { quantity: 1 } }],
      ["DELETE", path],
    ],
  };
}

function allRequestsOn(product: string): readonly (readonly [method: string, path: string, body?: object])[] {
  return Object.values(requestsOn(product)).flat();
}

describe("401, on every route, and nothing is applied", () => {
  test.each([
    ["an empty Authorization", ""],
    ["no token", "Bearer"],
    ["another scheme", "Basic YWRtaW46c2VjcmV0"],
    ["a token that is none", "Bearer x"],
    ["a token signed by nobody", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."],
  ])("%s", async (_name, authorization) => {
    const product = newProduct();
    for (const [method, path, body] of allRequestsOn(product)) {
      const answer = await rest.send(method, path, { body, headers: { authorization } });
      expect([method, path, answer.status, answer.body]).toEqual([method, path, 401, unauthenticated]);
    }
    expect(await rest.levels(product)).toBeNull();
  });

  test("no Authorization at all, or a token in the query", async () => {
    const token = await gateway.token();
    for (const query of ["", `?access_token=${token}`]) {
      const response = await fetch(`${gateway.url}/v2/inventories${query}`);
      expect([response.status, await response.json()]).toEqual([401, unauthenticated]);
    }
  });

  test("two Authorization headers, the first of them good", async () => {
    const answer = await rest.sendRaw("GET", "/v2/inventories", [["Authorization", "Bearer x"]]);
    expect(answer).toEqual([401, unauthenticated]);
  });

  test("comes before anything is said of the request itself", async () => {
    const headers = { authorization: "", "content-type": "text/plain" };
    const answer = await rest.send("POST", "/v2/inventories/multiple", { body: "{", headers });
    expect([answer.status, answer.body]).toEqual([401, unauthenticated]);
  });
});

describe("403, and nothing is applied", () => {
  test.each([
    ["inventory:read", "inventory:write"],
    ["inventory:write", "inventory:read"],
  ] as const)("a token with only %s is refused what needs %s, and nothing else", async (scope, missing) => {
    const product = newProduct();
    const headers = { authorization: `Bearer ${await gateway.token([scope])}` };
    for (const [method, path, body] of requestsOn(product)[missing] ?? []) {
      const answer = await rest.send(method, path, { body, headers });
      expect([method, path, answer.status, answer.body]).toEqual([method, path, 403, forbidden(missing)]);
    }
    expect(await rest.levels(product)).toBeNull();
    for (const [method, path, body] of requestsOn(product)[scope] ?? [])
      expect((await rest.send(method, path, { body, headers })).status).not.toBe(403);
  });

  test("an implicit token reads and never writes", async () => {
    const product = newProduct();
    await rest.apply(product, "create", 5);
    const form = new URLSearchParams({ grant_type: "implicit", client_id: await gateway.addImplicitClient() });
    const response = await fetch(`${gateway.url}/oauth/access_token`, { method: "POST", body: form });
    const { access_token: token } = (await response.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${token}` };
    expect((await rest.send("GET", pathOf(product), { headers })).status).toBe(200);
    const write = await rest.apply(product, "increment", 1, headers);
    expect([write.status, write.body]).toEqual([403, forbidden("inventory:write")]);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });
});

test("`Bearer:` with a colon, as old SDKs send it, is taken", async () => {
  const answer = await rest.send("GET", "/v2/inventories", {
    headers: { authorization: `Bearer: ${await gateway.token()}` },
  });
  expect(answer.status).toBe(200);
});
