import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getIntrospectionQuery } from "graphql";
import { FeedSocket } from "../support/feed-socket.ts";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

const servers: Partial<Record<string, GraphQLServer>> = {};

beforeAll(async () => {
  for (const introspection of ["public", "token", "off"] as const)
    servers[introspection] = await startGraphQLServer({ introspection });
});

afterAll(async () => {
  for (const server of Object.values(servers)) await server?.close();
});

function get(introspection: "public" | "token" | "off"): GraphQLServer {
  const server = servers[introspection];
  if (server === undefined) throw new Error("The server has not started");
  return server;
}

/** Posts without a token, or with any header given. */
async function post(
  server: GraphQLServer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown; challenge: string | null }> {
  const response = await server.fetch({
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json(), challenge: response.headers.get("www-authenticate") };
}

const unauthenticated = {
  status: 401,
  body: {
    errors: [{ message: "Unable to validate access token", extensions: { code: "UNAUTHENTICATED", status: 401 } }],
  },
  challenge: "Bearer",
};

const createLine = `mutation { createStockTransaction(productId: "stranger", action: INCREMENT, quantity: 1) { id } }`;

describe("without an access token", () => {
  test.each([
    ["a query", { query: "{ stocks { totalCount } }" }],
    ["a mutation", { query: createLine }],
    ["a document that can't be parsed", { query: "{" }],
    ["a document that is not valid", { query: "{ nothing }" }],
    ["introspection together with a query", { query: "{ __typename stocks { totalCount } }" }],
    [
      "introspection with a mutation in the same document",
      { query: `query A { __typename } ${createLine.replace("mutation", "mutation B")}`, operationName: "A" },
    ],
    ["a fragment at the root", { query: "{ ...F } fragment F on Query { __typename }" }],
    ["an introspecting mutation", { query: "mutation { __typename }" }],
    ["an unknown persisted query", { extensions: { persistedQuery: { version: 1, sha256Hash: "a".repeat(64) } } }],
    ["an array of operations", [{ query: "{ __typename }" }]],
    ["nothing", {}],
  ])("%s is 401 and nothing of it is executed or validated", async (_what, body) => {
    for (const introspection of ["public", "token", "off"] as const)
      expect(await post(get(introspection), body)).toEqual(unauthenticated);
    expect(await get("public").data(`{ stock(productId: "stranger") { version } }`)).toEqual({ stock: null });
  });

  test("the schema is shown while introspection is public, and only then", async () => {
    const shown = await post(get("public"), { query: getIntrospectionQuery() });
    expect(shown).toMatchObject({ status: 200, body: { data: { __schema: { queryType: { name: "Query" } } } } });
    expect(await post(get("public"), { query: `{ __typename }` })).toMatchObject({
      status: 200,
      body: { data: { __typename: "Query" } },
    });
    expect(await post(get("token"), { query: getIntrospectionQuery() })).toEqual(unauthenticated);
    expect(await post(get("off"), { query: "{ __typename }" })).toEqual(unauthenticated);
  });
});

test.each(["", "Basic YTpi", "Bearer", "Bearer ", "Bearer x y", "Bearer x.y.z", `Bearer ${"x".repeat(9000)}`])(
  "a bad token is 401, even for the schema: %p (%#)",
  async (authorization) => {
    expect(await post(get("public"), { query: "{ __typename }" }, { authorization })).toEqual(unauthenticated);
  },
);

test("a token in the query string is none", async () => {
  const { token } = await get("public").newToken();
  const response = await get("public").fetch({
    path: `/graphql?access_token=${token}&query=${encodeURIComponent("{ stocks { totalCount } }")}`,
    headers: { "apollo-require-preflight": "1" },
  });
  expect(response.status).toBe(401);
});

const forbidden = (scope: string) => ({
  errors: [
    {
      message: `The access token lacks the scope ${scope}`,
      locations: expect.anything(),
      path: expect.anything(),
      extensions: { code: "FORBIDDEN", status: 403, scope },
    },
  ],
});

describe("scopes", () => {
  test.each([
    [`{ stock(productId: "a") { version } }`],
    [`{ stocksByProductId(productIds: []) { version } }`],
    [`{ stocks { totalCount } }`],
    [`{ stockTransaction(id: "a") { id } }`],
    [`{ stockTransactions { totalCount } }`],
    [`{ stockTransactionByIdempotencyKey(idempotencyKey: "a") { index } }`],
  ])("%s needs inventory:read", async (query) => {
    const server = get("token");
    const { token } = await server.newToken(["inventory:write"]);
    expect(await post(server, { query }, { authorization: `Bearer ${token}` })).toMatchObject({
      status: 200,
      body: forbidden("inventory:read"),
    });
    const reader = await server.newToken(["inventory:read"]);
    expect((await post(server, { query }, { authorization: `Bearer ${reader.token}` })).body).not.toHaveProperty(
      "errors",
    );
  });

  test.each([
    [createLine],
    [
      `mutation { createStockTransactions(transactions: [{ productId: "a", action: INCREMENT, quantity: 1 }]) { index } }`,
    ],
    [`mutation { deleteStock(productId: "a") { version } }`],
  ])("%s needs inventory:write, before its values are looked at", async (query) => {
    const server = get("token");
    const { token } = await server.newToken(["inventory:read"]);
    for (const document of [query, query.replace("quantity: 1", "quantity: 0")])
      expect(await post(server, { query: document }, { authorization: `Bearer ${token}` })).toMatchObject({
        status: 200,
        body: forbidden("inventory:write"),
      });
    expect(await server.data(`{ stocks { totalCount } }`)).toEqual({ stocks: { totalCount: 0 } });
  });
});

describe("introspection off", () => {
  const extensions = {
    code: "GRAPHQL_VALIDATION_FAILED",
    validationErrorCode: "INTROSPECTION_DISABLED",
    status: 400,
  };

  test("refuses the schema to a token as well", async () => {
    const { status, errors } = await get("off").graphql(getIntrospectionQuery());
    expect(status).toBe(400);
    const locations = [{ line: 3, column: 7 }];
    expect(errors).toEqual([{ message: "Introspection is off: __schema is not shown", locations, extensions }]);
  });

  test("refuses it over a WebSocket in the same words", async () => {
    const server = get("off");
    const socket = await FeedSocket.admitted(server.url, (await server.newToken()).token);
    socket.subscribe("1", { query: `query { ...Types } fragment Types on Query { __type(name: "Stock") { name } }` });
    const locations = [{ line: 1, column: 46 }];
    const payload = [{ message: "Introspection is off: __type is not shown", locations, extensions }];
    expect(await socket.receive()).toEqual({ id: "1", type: "error", payload });
    await socket.close();
  });

  test("gives no hints of names, and elsewhere does", async () => {
    const misspelt = [
      `{ stokcs { totalCount } }`,
      `{ stocks(ordreBy: AVAILABLE) { totalCount } }`,
      `{ stocks(orderBy: AVIALABLE) { totalCount } }`,
    ];
    for (const document of misspelt) {
      expect((await get("off").graphql(document)).errors?.[0]?.message).not.toContain("Did you mean");
      expect((await get("token").graphql(document)).errors?.[0]?.message).toContain("Did you mean");
    }
    const variable = `query ($order: StockOrder) { stocks(orderBy: $order) { totalCount } }`;
    expect((await get("off").graphql(variable, { order: "AVIALABLE" })).errors?.[0]?.message).not.toContain(
      "Did you mean",
    );
    expect((await get("token").graphql(variable, { order: "AVIALABLE" })).errors?.[0]?.message).toContain(
      "Did you mean",
    );
  });
});
