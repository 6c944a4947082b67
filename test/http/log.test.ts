import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { Client } from "pg";
import { eventually } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";

const log: string[] = [];
let gateway: TestGateway;
let database: Client;

beforeAll(async () => {
  gateway = await startTestGateway({ logger: pino({ level: "trace" }, { write: (line) => void log.push(line) }) });
  database = new Client({ connectionString: gateway.databaseUrl });
  await database.connect();
});

afterAll(async () => {
  await database.end();
  await gateway.close();
});

test("the log has no secret, no token and no argument's value, at its most talkative and for refusals and faults alike", async () => {
  const token = await gateway.token();
  const given = { note: "note-hunter2", reference: "reference-hunter2", idempotencyKey: "key-hunter2" };
  const send = async (path: string, body: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      body,
    });
    await response.text();
    return response.status;
  };
  const query = `mutation ($note: String, $reference: String, $idempotencyKey: String) { createStockTransaction(productId: "product-hunter2",
    action: INCREMENT, quantity: 1, note: $note, reference: $reference, idempotencyKey: $idempotencyKey) { version } }`;
  const graphql = JSON.stringify({ query, variables: given });
  const rest = JSON.stringify({
    data: { type: "stock-transaction", action: "increment", quantity: 1, note: given.note, reference: given.reference },
  });
  const key = { "idempotency-key": "other-hunter2" };
  const path = "/v2/inventories/product-hunter2/transactions";

  const statuses = [await send("/graphql", graphql), await send(path, rest, key)];
  // Refused: broken, of the wrong kind, with a token or a secret where it doesn't belong, by somebody else.
  for (const body of [
    graphql.slice(0, -1),
    rest.slice(0, -1),
    graphql.replace("INCREMENT", "HUNTER2"),
    rest.replace("increment", "hunter2"),
  ])
    for (const to of ["/graphql", path]) await send(to, body);
  statuses.push(await send(`/graphql?access_token=${token}&q=hunter2`, "{", { authorization: "" }));
  statuses.push(await send("/graphql", graphql, { authorization: `Bearer ${token}hunter2` }));
  // Misspelt: a path that is not there, and one that can't be read.
  for (const to of [`/v2/inventorys/product-hunter2/${token}`, `/%zz/product-hunter2/${token}`])
    statuses.push(await send(to, rest));
  const form = (secret: string): string =>
    `grant_type=client_credentials&client_id=${gateway.clientId}&client_secret=${secret}`;
  const asForm = { "content-type": "application/x-www-form-urlencoded", authorization: "" };
  statuses.push(await send("/oauth/access_token", form(gateway.clientSecret), asForm));
  statuses.push(await send("/oauth/access_token", form("hunter2"), asForm));
  // A fault whose message PostgreSQL makes of the row.
  await database.query("ALTER TABLE stock_transaction ADD CONSTRAINT odd CHECK (note IS NULL) NOT VALID");
  statuses.push(await send("/graphql", graphql.replace("key-hunter2", "key-hunter2-b")));
  statuses.push(await send(path, rest, { "idempotency-key": "other-hunter2-b" }));
  await database.query("ALTER TABLE stock_transaction DROP CONSTRAINT odd");

  expect(statuses).toEqual([200, 200, 400, 401, 404, 400, 200, 401, 200, 500]);
  const lines = log.filter(
    (line) => line.includes("A REST request failed") || line.includes("A GraphQL request met a fault"),
  );
  expect(lines).toHaveLength(2);
  const told = log.filter((line) =>
    [/hunter2/i, new RegExp(token), new RegExp(gateway.clientSecret)].some((secret) => secret.test(line)),
  );
  expect(told).toEqual([]);
});

describe("the one line of a request", () => {
  const sell = `mutation Sell { createStockTransaction(productId: "lined", action: DECREMENT, quantity: 7) { version } }`;
  const sold = { type: "mutation", field: "createStockTransaction", name: "Sell" };
  const data = { type: "stock-transaction", action: "decrement", quantity: 7 };
  const transactions = "/v2/inventories/:productId/transactions";
  const json = { "content-type": "application/json" };

  const asked = [
    {
      what: "a GraphQL operation that is refused",
      path: "/graphql",
      request: { method: "POST", headers: json, body: JSON.stringify({ query: sell }) },
      line: {
        method: "POST",
        path: "/graphql",
        operation: sold,
        status: 200,
        outcome: "REFUSED",
        code: "STOCK_NOT_FOUND",
      },
    },
    {
      what: "a document that is wrong",
      path: "/graphql",
      request: { method: "POST", headers: json, body: JSON.stringify({ query: "{ nothing }" }) },
      line: { method: "POST", path: "/graphql", status: 400, outcome: "REFUSED", code: "GRAPHQL_VALIDATION_FAILED" },
    },
    {
      what: "a stock transaction over REST that is refused",
      path: "/v2/inventories/lined/transactions",
      request: { method: "POST", headers: json, body: JSON.stringify({ data }) },
      line: { method: "POST", path: transactions, status: 404, outcome: "REFUSED" },
    },
    {
      what: "a path that is not there",
      path: "/v2/inventorys/lined?q=1",
      request: {},
      line: { method: "GET", path: "unmatched", status: 404, outcome: "REFUSED", client: undefined },
    },
    {
      what: "the document of a subscription that is wrong",
      path: "/graphql?query=subscription{nothing}",
      request: { headers: { accept: "text/event-stream" } },
      line: { method: "GET", path: "/graphql", status: 400, outcome: "REFUSED", code: "GRAPHQL_VALIDATION_FAILED" },
    },
    {
      what: "a token that is none",
      path: "/graphql?query={__typename}",
      request: { headers: { authorization: "Bearer none", "apollo-require-preflight": "1" } },
      line: {
        method: "GET",
        path: "/graphql",
        status: 401,
        outcome: "REFUSED",
        code: "UNAUTHENTICATED",
        client: undefined,
      },
    },
  ];

  test.each(asked)("says of $what who asked, for what, how long it took and what came of it", async (each) => {
    const id = `line-${each.what.replaceAll(" ", "-")}`;
    const headers = { authorization: `Bearer ${await gateway.token()}`, "x-request-id": id, ...each.request.headers };
    const response = await fetch(gateway.url + each.path, { ...each.request, headers });
    await response.text();
    expect(response.headers.get("x-request-id")).toBe(id);
    const lines = log.map((line): Record<string, unknown> => JSON.parse(line)).filter((line) => line["id"] === id);
    const process = { level: 30, time: expect.any(Number), pid: expect.any(Number), hostname: expect.any(String) };
    const told = { ...process, id, ms: expect.any(Number), client: gateway.clientId, ...each.line, msg: "request" };
    expect(lines).toEqual([told]);
  });

  test("says of a stream which subscription it was", async () => {
    const id = "line-stream";
    const query = "subscription Look { stockTransactionCreated { cursor } }";
    const ending = new AbortController();
    const response = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${await gateway.token()}`, accept: "text/event-stream", "x-request-id": id },
      signal: ending.signal,
    });
    expect(response.status).toBe(200);
    ending.abort();
    const find = (): string | undefined => log.find((line) => line.includes(`"id":"${id}"`));
    await eventually("its line", () => find() !== undefined);
    expect(JSON.parse(find() ?? "")).toMatchObject({
      operation: { type: "subscription", field: "stockTransactionCreated", name: "Look" },
      outcome: "ABORTED",
      client: gateway.clientId,
    });
  });
});

test("a fault of ours is answered with the request's id and no more, over GraphQL and over REST; the log has its cause by that id", async () => {
  await database.query("ALTER TABLE stock RENAME TO stock_elsewhere");
  const headers = { authorization: `Bearer ${await gateway.token()}`, "content-type": "application/json" };
  const query = '{ stock(productId: "hat") { available } }';
  const ask = async (path: string, init: object): Promise<{ id: string | null; body: unknown }> => {
    const response = await fetch(gateway.url + path, { headers, ...init });
    return { id: response.headers.get("x-request-id"), body: await response.json() };
  };
  const graphql = await ask("/graphql", { method: "POST", body: JSON.stringify({ query }) });
  const rest = await ask("/v2/inventories/hat", {});
  await database.query("ALTER TABLE stock_elsewhere RENAME TO stock");

  const extensions = { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: graphql.id };
  expect(graphql.body).toEqual({
    errors: [{ message: "Internal server error", locations: [{ line: 1, column: 3 }], path: ["stock"], extensions }],
    data: { stock: null },
  });
  expect(rest.body).toEqual({
    errors: [{ status: 500, title: "Internal Server Error", detail: `The request's id is ${rest.id}` }],
  });
  for (const { id } of [graphql, rest])
    expect(log.filter((line) => line.includes(`"id":"${id}"`) && line.includes('"err":'))).toHaveLength(1);
});
