import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { documentRefusal, requestRefusal, Target } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open({ introspection: "off" });
});

afterAll(() => target.close());

const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(" ");
const write = (alias: string): string =>
  `${alias}: createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1) { version }`;
const invalid = "GRAPHQL_VALIDATION_FAILED";
const unparsed = "GRAPHQL_PARSE_FAILED";

describe("a document that asks for too much is HTTP 400, fast, and has no effect", () => {
  test.each<[string, string, string, string]>([
    [
      "B50: 11 aliases of one mutation",
      `mutation { ${many(11, (index) => write(`m${index}`))} }`,
      "The operation has more than 10 root fields",
      invalid,
    ],
    [
      "B50: 101 of __typename",
      `{ ${"__typename ".repeat(101)} }`,
      "The operation has more than 10 root fields",
      invalid,
    ],
    [
      "B50: 51 aliases below one field",
      `{ stocks { nodes { ${many(51, (index) => `a${index}: available`)} } } }`,
      "The document has more than 50 aliases",
      invalid,
    ],
    [
      "B51: 15 levels",
      `{ stocks(first: 1) { nodes { ${"transactions(first: 1) { nodes { stock { ".repeat(4)} version ${"} ".repeat(15)}`,
      "The operation has more than 12 levels of fields",
      invalid,
    ],
    [
      "B51: 5 000 tokens",
      `{ ${"a ".repeat(5_000)} }`,
      "Syntax Error: Document contains more that 2000 tokens. Parsing aborted.",
      unparsed,
    ],
    ["B51: 20 000 brackets", "[".repeat(20_000), `Syntax Error: Unexpected "[".`, unparsed],
    [
      "B51: 60 directives",
      `{ stocks { totalCount ${"@include(if: true) ".repeat(60)} } }`,
      "The document has more than 20 directives",
      invalid,
    ],
  ])("%s", async (_what, document, message, code) => {
    const { status, body } = await target.withoutEffect(() => target.graphql(document));
    const { errors } = body as { errors: { message: string; extensions: object }[] };
    expect(status).toBe(400);
    expect(errors.map((error) => error.message)).toContain(message);
    expect(new Set(errors.map(({ extensions }) => JSON.stringify(extensions)))).toEqual(
      new Set([JSON.stringify({ code, status: 400 })]),
    );
  });

  test("B51: a fragment cycle", async () => {
    const document = `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`;
    expect(await target.withoutEffect(() => target.graphql(document))).toEqual(
      documentRefusal(`Cannot spread fragment "A" within itself via "B".`, invalid),
    );
  });

  test("B51: a list nested 20 000 deep", async () => {
    const document = `{ stocksByProductId(productIds: ${"[".repeat(20_000)}) { version } }`;
    const { status, body } = await target.withoutEffect(() => target.graphql(document));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      errors: [{ message: expect.stringMatching(/^Syntax Error: /), extensions: { code: unparsed, status: 400 } }],
    });
  });
});

describe("B52: what is not one operation is HTTP 400 and has no effect:", () => {
  const operation = { query: `mutation { ${write("a")} }` };

  test.each<[string, unknown, string, string]>([
    ["an array of operations", [operation, operation], "Operation batching disabled.", "BAD_USER_INPUT"],
    ["an array of one", [operation], "Operation batching disabled.", "BAD_USER_INPUT"],
    [
      "variables as text",
      { ...operation, variables: `{"a":1}` },
      "`variables` in a POST body should be provided as an object, not a recursively JSON-encoded string.",
      "BAD_USER_INPUT",
    ],
    [
      "variables as a list",
      { ...operation, variables: [1] },
      "`variables` in a POST body must be an object if provided.",
      "BAD_USER_INPUT",
    ],
    ["a document that is a number", { query: 1 }, "GraphQL queries must be strings.", "BAD_USER_INPUT"],
    [
      "no document",
      { variables: {} },
      "GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.",
      "BAD_USER_INPUT",
    ],
    [
      "an unknown operationName",
      { query: `mutation A { ${write("a")} }`, operationName: "B" },
      `Unknown operation named "B".`,
      "OPERATION_RESOLUTION_FAILURE",
    ],
    [
      "two operations and no choice",
      { query: `mutation A { ${write("a")} } mutation B { ${write("b")} }` },
      "Must provide operation name if query contains multiple operations.",
      "OPERATION_RESOLUTION_FAILURE",
    ],
  ])("%s", async (_what, body, message, code) => {
    const answer = await target.withoutEffect(() => target.send("/graphql", { body }));
    expect(answer).toEqual(requestRefusal(400, message, code));
  });

  test("two operations without a name", async () => {
    const query = `mutation { ${write("a")} } mutation { ${write("b")} }`;
    const answer = await target.withoutEffect(() => target.send("/graphql", { body: { query } }));
    const error = {
      message: "This anonymous operation must be the only defined operation.",
      locations: expect.any(Array),
      extensions: { code: invalid, status: 400 },
    };
    expect(answer).toEqual({ status: 400, body: { errors: [error, error] } });
  });
});

describe("B53: with introspection off nothing tells of the schema:", () => {
  test.each([
    [`{ stokcs { totalCount } }`, `Cannot query field "stokcs" on type "Query".`],
    [`{ stocks { totalCout } }`, `Cannot query field "totalCout" on type "StockConnection".`],
    [`{ stocks(frist: 1) { totalCount } }`, `Unknown argument "frist" on field "Query.stocks".`],
  ])("a misspelt name gets no hint: %s", async (document, message) => {
    expect(await target.graphql(document)).toEqual(documentRefusal(message, invalid));
  });

  test("nor does a value that an enum hasn't, or a field that an input hasn't", async () => {
    for (const document of [
      `mutation { createStockTransaction(productId: "shirt", action: INCREMNT, quantity: 1) { version } }`,
      `{ stocks(filter: { productIdPrefx: "a" }) { totalCount } }`,
    ]) {
      const answer = await target.withoutEffect(() => target.graphql(document));
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toMatch(/Did you mean|INCREMENT|productIdPrefix/);
    }
  });

  test("the schema itself is refused", async () => {
    const message = "Introspection is off: __schema is not shown";
    expect(await target.graphql("{ __schema { types { name } } }")).toMatchObject({
      status: 400,
      body: { errors: [{ message, extensions: { code: invalid, status: 400 } }] },
    });
  });
});

test("B54: a fault is answered with the request's id, over both transports without SQL, stack or host, and has no effect", async () => {
  const broken = await Target.open();
  const database = new Client({ connectionString: broken.gateway.databaseUrl });
  await database.connect();
  await database.query("ALTER TABLE spent_key RENAME COLUMN fingerprint TO hidden");
  const headers = { "x-request-id": "order-4711", "idempotency-key": "a" };
  const [graphql, rest] = await broken.withoutEffect(async () => [
    await broken.graphql(`mutation { ${write("a")} }`, {}, headers),
    await broken.moveOverRest("shirt", { action: "increment", quantity: 1 }, headers),
  ]);
  const message = "Internal server error";
  const extensions = { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: "order-4711" };
  const error = { message, locations: [{ line: 1, column: 12 }], path: ["a"], extensions };
  expect(graphql).toEqual({ status: 200, body: { data: null, errors: [error] } });
  const detail = "The request's id is order-4711";
  expect(rest).toEqual({ status: 500, body: { errors: [{ status: 500, title: "Internal Server Error", detail }] } });
  expect(broken.gateway.log.filter((line) => line.includes("fingerprint"))).toHaveLength(2);
  await database.query("ALTER TABLE spent_key RENAME COLUMN hidden TO fingerprint");
  await database.end();
  await broken.close();
});

describe("B61: persisted queries", () => {
  const query = "{ stocks { totalCount } }";
  const hash = createHash("sha256").update(query).digest("hex");
  const extensions = (sha256Hash: string): object => ({ persistedQuery: { version: 1, sha256Hash } });

  test("an unknown one is PersistedQueryNotFound", async () => {
    expect(await target.send("/graphql", { body: { extensions: extensions(hash) } })).toEqual({
      status: 200,
      body: {
        errors: [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND", status: 404 } }],
      },
    });
  });

  test("a wrong hash is 400, and is not remembered", async () => {
    const wrong = "a".repeat(64);
    expect(await target.send("/graphql", { body: { query, extensions: extensions(wrong) } })).toEqual(
      requestRefusal(400, "provided sha does not match query", "BAD_USER_INPUT"),
    );
    expect(await target.send("/graphql", { body: { extensions: extensions(wrong) } })).toMatchObject({
      body: { errors: [{ message: "PersistedQueryNotFound" }] },
    });
  });

  const isNoHash = {
    message: "sha256Hash has to be the query's hash, as text",
    extensions: { code: "BAD_USER_INPUT", status: 400, field: "extensions.persistedQuery.sha256Hash" },
  };
  const isNoVersion = {
    message: "Unsupported persisted query version",
    extensions: { code: "BAD_USER_INPUT", status: 400 },
  };
  test.each([
    [{ version: 1, sha256Hash: {} }, isNoHash],
    [{ version: 1, sha256Hash: 1 }, isNoHash],
    [{ version: 1, sha256Hash: null }, isNoHash],
    // As text it would be a query that is known.
    [{ version: 1, sha256Hash: [hash] }, isNoHash],
    [{ version: 1 }, isNoHash],
    [[hash], isNoHash],
    [{ version: 2, sha256Hash: hash }, isNoVersion],
    [{ version: "1", sha256Hash: hash }, isNoVersion],
    [{ sha256Hash: hash }, isNoVersion],
    [hash, isNoVersion],
  ])("%j is 400, posted or in the address, with the query or without it", async (persistedQuery, error) => {
    expect((await target.graphql(query)).status).toBe(200);
    const refusal = { status: 400, body: { errors: [error] } };
    for (const asked of [{}, { query }]) {
      expect(await target.send("/graphql", { body: { ...asked, extensions: { persistedQuery } } })).toEqual(refusal);
      const search = new URLSearchParams({ ...asked, extensions: JSON.stringify({ persistedQuery }) });
      const headers = { "apollo-require-preflight": "1" };
      expect(await target.send(`/graphql?${search.toString()}`, { method: "GET", headers })).toEqual(refusal);
    }
  });
});
