import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { statementsOf } from "../support/statements.ts";
import { startGraphQLServer } from "./support.ts";
import type { Answer, GraphQLServer } from "./support.ts";

const sdl = readFileSync(new URL("../../schema.federation.graphql", import.meta.url), "utf8");
const serviceDocument = "{ _service { sdl } }";

const servers: Partial<Record<string, GraphQLServer>> = {};

beforeAll(async () => {
  for (const introspection of ["public", "token", "off"] as const)
    servers[introspection] = await startGraphQLServer({ introspection, federation: true });
  const lines = ["shirt", "hat", "sock"].map((productId, index) => ({
    productId,
    action: "INCREMENT",
    quantity: 10 + index,
  }));
  await get("token").data(
    `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { index } }`,
    { lines },
  );
});

afterAll(async () => {
  for (const server of Object.values(servers)) await server?.close();
});

function get(introspection: "public" | "token" | "off"): GraphQLServer {
  const server = servers[introspection];
  if (server === undefined) throw new Error("The server has not started");
  return server;
}

const entitiesDocument = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    __typename
    ... on Stock { productId available }
    ... on Product { id stock { productId available } }
  }
}`;

function entities(representations: unknown, document = entitiesDocument): Promise<Answer> {
  return get("token").graphql(document, { representations });
}

const product = (id: unknown): object => ({ __typename: "Product", id });
const stock = (productId: unknown): object => ({ __typename: "Stock", productId });

/** Posts without a token. */
async function postAsStranger(server: GraphQLServer, query: string): Promise<{ status: number; body: unknown }> {
  const headers = { "content-type": "application/json" };
  const response = await server.fetch({ method: "POST", headers, body: JSON.stringify({ query }) });
  return { status: response.status, body: await response.json() };
}

describe("_service", () => {
  test("tells the schema with @link, @key and @shareable, and nothing of Federation's own", async () => {
    expect(await get("token").data(serviceDocument)).toEqual({ _service: { sdl } });
    expect(sdl).toContain(
      'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])\n',
    );
    expect(sdl).toContain('\ntype Stock @key(fields: "productId") {\n');
    expect(sdl).toContain('\ntype Product @key(fields: "id") {\n');
    expect(sdl).toContain("\ntype PageInfo @shareable {\n");
    expect(sdl).not.toMatch(/\b_(service|entities|Any|Entity|Service)\b/);
  });

  test("is told once, under its own name", async () => {
    for (const document of ["{ a: _service { sdl } }", "{ _service { a: sdl } }"]) {
      const { status, errors } = await get("token").graphql(document);
      expect([status, errors?.[0]?.message]).toEqual([400, "The schema's description has no aliases"]);
    }
  });

  test("is shown to whom introspection is shown, and to nobody else", async () => {
    expect(await postAsStranger(get("public"), serviceDocument)).toEqual({
      status: 200,
      body: { data: { _service: { sdl } } },
    });
    expect((await postAsStranger(get("token"), serviceDocument)).status).toBe(401);
    const hidden = await get("off").graphql(serviceDocument);
    expect([hidden.status, hidden.errors?.[0]?.message]).toEqual([
      400,
      'Cannot query field "_service" on type "Query".',
    ]);
    expect(JSON.stringify(hidden)).not.toContain("productId");
    // A router needs no more than this of a subgraph whose schema it has.
    expect(await get("off").data(entitiesDocument, { representations: [product("none")] })).toEqual({
      _entities: [{ __typename: "Product", id: "none", stock: null }],
    });
  });
});

describe("_entities", () => {
  test("finds stocks by productId and products by id, in the order asked, and null for a stock that is not tracked", async () => {
    const { status, data, errors } = await entities([
      stock("hat"),
      product("shirt"),
      stock("none"),
      product("none"),
      stock("hat"),
    ]);
    expect({ status, data, errors }).toEqual({
      status: 200,
      data: {
        _entities: [
          { __typename: "Stock", productId: "hat", available: 11 },
          { __typename: "Product", id: "shirt", stock: { productId: "shirt", available: 10 } },
          null,
          { __typename: "Product", id: "none", stock: null },
          { __typename: "Stock", productId: "hat", available: 11 },
        ],
      },
      errors: undefined,
    });
  });

  test("reads all stocks of a request with one statement for each type asked for, and histories with one", async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => ["shirt", "hat", "sock"][index % 3]);
    const stocks = await statementsOf(() => entities(ids.map(stock)));
    expect(stocks).toEqual([expect.stringContaining("FROM stock WHERE product_id = ANY")]);
    const products = await statementsOf(() => entities(ids.map(product)));
    expect(products).toEqual([expect.stringContaining("FROM stock WHERE product_id = ANY")]);
    const histories = await statementsOf(() =>
      entities(
        ["shirt", "hat", "sock"].map(product),
        `query ($representations: [_Any!]!) { _entities(representations: $representations) {
          ... on Product { stock { transactions(first: 100) { nodes { version } } } } } }`,
      ),
    );
    expect(histories).toHaveLength(2);
  });

  test("takes a whole number as an ID does, and answers the others where one is no key", async () => {
    const { data, errors } = await entities([
      product(4711),
      { __typename: "Stock" },
      { __typename: "Order", id: "1" },
      stock(" hat"),
      "hat",
      stock({ productId: "hat" }),
      stock("sock"),
    ]);
    expect(data).toEqual({
      _entities: [
        { __typename: "Product", id: "4711", stock: null },
        null,
        null,
        null,
        null,
        null,
        { __typename: "Stock", productId: "sock", available: 12 },
      ],
    });
    const key = "The key is missing: productId of a Stock, id of a Product";
    const type = "__typename has to be Stock or Product";
    const refusal = (index: number, message: string, field = "representations"): object => ({
      message,
      locations: expect.anything(),
      path: ["_entities", index],
      extensions: { code: "BAD_USER_INPUT", status: 400, field },
    });
    expect(errors).toEqual([
      refusal(1, key),
      refusal(2, type),
      refusal(3, "productId begins or ends with a space", "productId"),
      refusal(4, type),
      refusal(5, key),
    ]);
  });

  test("needs a token with inventory:read, like everything else", async () => {
    for (const introspection of ["public", "token", "off"] as const) {
      const query = `{ _entities(representations: [{ __typename: "Stock", productId: "hat" }]) { __typename } }`;
      expect((await postAsStranger(get(introspection), query)).status).toBe(401);
      expect((await postAsStranger(get(introspection), `{ _service { sdl } ${query.slice(1)}`)).status).toBe(401);
    }
    const { token } = await get("token").newToken(["inventory:write"]);
    const { data, errors } = await get("token").graphql(
      entitiesDocument,
      { representations: [stock("hat")] },
      { authorization: `Bearer ${token}` },
    );
    expect([data, errors?.[0]?.extensions]).toEqual([
      null,
      { code: "FORBIDDEN", status: 403, scope: "inventory:read" },
    ]);
  });

  test("is bounded: by a thousand keys, and by what it could answer with for as many as there are", async () => {
    const many = await entities(Array.from({ length: 1_001 }, () => stock("hat")));
    expect([many.data, many.errors?.map(({ message }) => message)]).toEqual([
      null,
      ["representations has more than 1000 entities"],
    ]);
    const histories = `query ($representations: [_Any!]!) { _entities(representations: $representations) {
      ... on Product { stock { transactions(first: 100) { nodes { version } } } } } }`;
    const enough = Array.from({ length: 247 }, () => product("hat"));
    expect((await entities(enough, histories)).data._entities).toHaveLength(247);
    const { data, errors } = await entities([...enough, product("hat")], histories);
    expect([data, errors?.map(({ message }) => message)]).toEqual([
      null,
      ["The operation has more than 50000 objects to answer with, with every list and text as long as it may be"],
    ]);
    const names = Array.from({ length: 10 }, (_, index) => `n${index}: note`).join(" ");
    const notes = histories.replace("version", names).replace("first: 100", "first: 10");
    const long = await entities(
      Array.from({ length: 500 }, () => product("hat")),
      notes,
    );
    expect([long.data, long.errors?.map(({ message }) => message)]).toEqual([
      null,
      ["The operation has more than 32000000 characters to answer with, with every list and text as long as it may be"],
    ]);
  });
});

test("a gateway that is no subgraph has none of it", async () => {
  const plain = await startGraphQLServer({ introspection: "public" });
  for (const query of [serviceDocument, `{ _entities(representations: []) { __typename } }`]) {
    const { status, errors } = await plain.graphql(query);
    expect([status, errors?.[0]?.message]).toEqual([400, expect.stringContaining("Cannot query field")]);
    expect((await postAsStranger(plain, query)).status).toBe(401);
  }
  expect(await plain.data(`{ __type(name: "Product") { name } }`)).toEqual({ __type: null });
  await plain.close();
});
