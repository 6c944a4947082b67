import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "pg";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;
let client: Client;

beforeAll(async () => {
  server = await startGraphQLServer();
  client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await server.close();
});

test("a fault tells a client its request's id and nothing else; its cause is in the log", async () => {
  await client.query("ALTER TABLE stock_transaction RENAME TO hidden");
  const { status, data, errors } = await server.graphql(`{ stocks { totalCount } stockTransactions { totalCount } }`);
  await client.query("ALTER TABLE hidden RENAME TO stock_transaction");
  expect(status).toBe(200);
  expect(data).toBeNull();
  expect(errors).toEqual([
    {
      message: "Internal server error",
      locations: [{ line: 1, column: 25 }],
      path: ["stockTransactions"],
      extensions: { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: expect.any(String) },
    },
  ]);
  const logged = server.log.filter((line) => line.includes("42P01")).map((line) => JSON.parse(line) as object);
  expect(logged).toEqual([
    expect.objectContaining({ id: errors?.[0]?.extensions["requestId"], path: "stockTransactions", level: 50 }),
  ]);
});

test("while the database does not answer, reads are SERVICE_UNAVAILABLE, within seconds, and then work again", async () => {
  await client.query("BEGIN");
  await client.query("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE");
  const { status, errors } = await server.graphql(`{ stock(productId: "a") { version } }`);
  await client.query("ROLLBACK");
  expect(status).toBe(200);
  expect(errors).toEqual([
    {
      message: "The database can't be read at the moment",
      locations: [{ line: 1, column: 3 }],
      path: ["stock"],
      extensions: { code: "SERVICE_UNAVAILABLE", status: 503, outcome: "not applied", retryAfterSeconds: 1 },
    },
  ]);
  expect(await server.data(`{ stock(productId: "a") { version } }`)).toEqual({ stock: null });
});

test("while access can't be checked, a request is HTTP 503 with Retry-After, and nothing of it is executed", async () => {
  await client.query("BEGIN");
  await client.query("LOCK TABLE api_client IN ACCESS EXCLUSIVE MODE");
  // For half a second the gateway goes by what it has just read.
  let answer = await server.graphql("{ __typename }");
  while (answer.status === 200) answer = await server.graphql("{ __typename }");
  await client.query("ROLLBACK");
  expect([answer.status, answer.headers.get("retry-after"), answer.data]).toEqual([503, "1", undefined]);
  expect(answer.errors).toEqual([
    {
      message: expect.any(String),
      extensions: { code: "SERVICE_UNAVAILABLE", status: 503, outcome: "not applied", retryAfterSeconds: 1 },
    },
  ]);
});

test("one product's fault leaves the other fields of a document their answers", async () => {
  const { data, errors } = await server.graphql(
    `{ good: stock(productId: "a") { version } bad: stock(productId: " a") { version } }`,
  );
  expect(data).toEqual({ good: null, bad: null });
  expect(errors?.map(({ path }) => path)).toEqual([["bad"]]);
});
