import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "graphql-sse";
import { EventStream } from "../support/event-stream.ts";
import type { EventStreamRequest, ServerEvent } from "../support/event-stream.ts";
import { watchDocument } from "../support/feed-socket.ts";
import { FeedWorld, largeDocument } from "./feed-world.ts";
import { newProduct } from "./support.ts";

let world: FeedWorld;
let token: string;
/** Is open from the first test on: the pings of the last take a while to come. */
let quiet: EventStream;

beforeAll(async () => {
  world = await FeedWorld.open({
    introspection: "token",
    corsOrigins: ["https://console.example"],
    watchersMax: 5,
    watchersPerClientMax: 2,
    streamTimings: { lookIntervalMs: 100, takeTimeoutMs: 3_000 },
  });
  ({ token } = await world.newCaller());
  quiet = await EventStream.open(world.url, {
    token: (await world.newCaller()).token,
    query: watchDocument,
    variables: { productIds: [] },
  });
});

afterAll(async () => {
  quiet.destroy();
  await world.close();
});

const open = (request: Partial<EventStreamRequest> = {}): Promise<EventStream> =>
  EventStream.open(world.url, { token, query: watchDocument, ...request });

interface StockTransactionData {
  readonly stockTransactionCreated: { readonly node: unknown };
}

const eventOf = (productId: string, version: number): ServerEvent => ({
  event: "next",
  data: { data: { stockTransactionCreated: { cursor: expect.any(String), node: { productId, version } } } },
});

const complete: ServerEvent = { event: "complete", data: null };

/** What ends a stream that has begun. */
const last = (message: string, extensions: object): ServerEvent[] => [
  { event: "next", data: { data: null, errors: [{ message, path: ["stockTransactionCreated"], extensions }] } },
  complete,
];

/** The answer where there is no stream. */
async function refusal(request: Partial<EventStreamRequest>): Promise<object> {
  const response = await fetch(`${world.url}/graphql`, {
    method: "POST",
    headers: {
      accept: "text/event-stream",
      "content-type": "application/json",
      ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
    },
    body: JSON.stringify({ query: watchDocument, ...request }),
  });
  const { status, headers } = response;
  const [type, challenge, retryAfter] = ["content-type", "www-authenticate", "retry-after"].map((n) => headers.get(n));
  return { status, type, challenge, retryAfter, body: await response.json() };
}

const refused = (status: number, errors: object[], headers: object = {}): object => ({
  status,
  type: "application/json; charset=utf-8",
  challenge: null,
  retryAfter: null,
  ...headers,
  body: { errors },
});

describe("events", () => {
  test("come to graphql-sse's client once and in order; the place is free when it lets go", async () => {
    const productId = newProduct();
    const client = createClient({
      url: `${world.url}/graphql`,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const after = await world.tip();
    for (const _ of [1, 2, 3]) {
      const results = client.iterate<StockTransactionData>({
        query: watchDocument,
        variables: { productIds: [productId], after },
      });
      await world.receive(productId);
      const nodes: unknown[] = [];
      for await (const { data } of results) {
        nodes.push(data?.stockTransactionCreated.node);
        break;
      }
      expect(nodes).toEqual([{ productId, version: 1 }]);
    }
    client.dispose();
  });

  test("come to curl as lines, from a cursor on", async () => {
    const productId = newProduct();
    const after = await world.tip();
    for (const _ of [1, 2]) await world.receive(productId);
    const body = JSON.stringify({ query: watchDocument, variables: { productIds: [productId], after } });
    const headers = ["Accept: text/event-stream", "Content-Type: application/json", `Authorization: Bearer ${token}`];
    const curl = spawn("curl", [
      "-sN",
      `${world.url}/graphql`,
      "-d",
      body,
      ...headers.flatMap((header) => ["-H", header]),
    ]);
    let output = "";
    for await (const chunk of curl.stdout) {
      output += String(chunk);
      if (output.split("event: next").length === 3 && output.endsWith("\n\n")) break;
    }
    curl.kill();
    const line = (version: number): string =>
      `event: next\ndata: {"data":{"stockTransactionCreated":{"cursor":"…","node":{"productId":"${productId}","version":${version}}}}}`;
    expect(output.replace(/"cursor":"[\w-]+"/g, `"cursor":"…"`)).toBe([":", line(1), line(2), ""].join("\n\n"));
  });

  test.each(["GET", "POST"] as const)("come over %s, first what was missed, then live", async (method) => {
    const productId = newProduct();
    const after = await world.tip();
    await world.receive(productId);
    const stream = await open({ method, variables: { productIds: [productId], after } });
    expect(await stream.receive()).toEqual(eventOf(productId, 1));
    await world.receive(productId);
    expect(await stream.receive()).toEqual(eventOf(productId, 2));
    stream.destroy();
  });

  test("come where a stream is asked for before other types, and not where JSON is", async () => {
    const stream = await open({ headers: { accept: "text/event-stream, application/json;q=0.5" } });
    expect([stream.response.statusCode, stream.response.headers["content-type"]]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
    ]);
    stream.destroy();
    const json = await open({ headers: { accept: "application/json, text/event-stream" } });
    expect([json.response.statusCode, json.response.headers["content-type"]]).toEqual([
      200,
      "application/json; charset=utf-8",
    ]);
    expect(JSON.parse(await text(json.response))).toMatchObject({
      errors: [
        {
          message: "Subscribe over WebSocket (graphql-transport-ws) or with Accept: text/event-stream",
          extensions: { code: "BAD_USER_INPUT", status: 400 },
        },
      ],
    });
  });

  test("come with the headers of every answer, and for pages that may call", async () => {
    const stream = await open({ headers: { origin: "https://console.example", "x-request-id": "stream-1" } });
    const { headers } = stream.response;
    expect(headers).toMatchObject({
      "access-control-allow-origin": "https://console.example",
      "access-control-expose-headers": "Idempotent-Replayed, X-Request-Id, Retry-After",
      "cache-control": "no-cache",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "content-type": "text/event-stream; charset=utf-8",
      "x-content-type-options": "nosniff",
      "x-request-id": "stream-1",
    });
    const from = world.gateway.log.length;
    stream.destroy();
    const line = await world.logged({ id: "stream-1", msg: "request" }, from);
    expect(line).toMatchObject({ path: "/graphql", status: 200, outcome: "ABORTED", client: expect.any(String) });
    expect(world.gateway.log.join("")).not.toContain("eyJ");
  });
});

describe("there is no stream, but JSON in GraphQL's form", () => {
  const unauthenticated = {
    message: "Unable to validate access token",
    extensions: { code: "UNAUTHENTICATED", status: 401 },
  };
  test.each([
    ["without an access token", undefined],
    ["with one that is made up", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"],
  ])("%s: 401", async (_name, given) => {
    expect(await refusal({ token: given })).toEqual(refused(401, [unauthenticated], { challenge: "Bearer" }));
  });

  test("with a token that lacks the scope: 403", async () => {
    const extensions = { code: "FORBIDDEN", status: 403, scope: "inventory:read" };
    const { token } = await world.newCaller(["inventory:write"]);
    expect(await refusal({ token })).toEqual(
      refused(403, [{ message: "The access token lacks the scope inventory:read", extensions }]),
    );
  });

  test("for what can't be read or carried out: 400", async () => {
    const parse = { code: "GRAPHQL_PARSE_FAILED", status: 400 };
    expect(await refusal({ token, query: "subscription {" })).toEqual(
      refused(400, [
        {
          message: "Syntax Error: Expected Name, found <EOF>.",
          locations: [{ line: 1, column: 15 }],
          extensions: parse,
        },
      ]),
    );
    const resolution = { code: "OPERATION_RESOLUTION_FAILURE", status: 400 };
    const message = "Only subscriptions are streamed: queries and mutations go over HTTP, with a JSON answer";
    for (const query of ["{ stocks { totalCount } }", `mutation { deleteStock(productId: "a") { productId } }`])
      expect(await refusal({ token, query })).toEqual(refused(400, [{ message, extensions: resolution }]));
  });

  test.each([
    ["no document", {}],
    ["a document that is no text", { query: 1 }],
    ["variables that are no object", { query: watchDocument, variables: "a" }],
  ])("for %s: 400 with a code", async (_name, body) => {
    const response = await fetch(`${world.url}/graphql`, {
      method: "POST",
      headers: {
        accept: "text/event-stream",
        "content-type": "application/json",
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(body),
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      { errors: [{ message: expect.any(String), extensions: { code: "BAD_USER_INPUT", status: 400 } }] },
    ]);
  });

  test("for a client that asks too often: 429", async () => {
    const { databaseUrl } = world.gateway;
    const strict = await FeedWorld.open({ databaseUrl, rateLimits: { perClient: 1, perAddress: 0 } });
    const { token } = await strict.newCaller();
    const query = "{ nothing }";
    const statuses: number[] = [];
    let stream: EventStream;
    do {
      stream = await EventStream.open(strict.url, { token, query });
      statuses.push(stream.response.statusCode ?? 0);
    } while (statuses.at(-1) === 400);
    expect(statuses.at(-1)).toBe(429);
    const { headers } = stream.response;
    expect([headers["content-type"], headers["retry-after"]]).toEqual(["application/json; charset=utf-8", "1"]);
    await strict.close();
  });
});

describe("a stream tells", () => {
  test("which argument is wrong, and ends", async () => {
    const stream = await open({ variables: { after: "here" } });
    const error = {
      message: "after is not a cursor of this list in this order",
      locations: [{ line: 2, column: 3 }],
      path: ["stockTransactionCreated"],
      extensions: { code: "BAD_USER_INPUT", status: 400, field: "after" },
    };
    expect(await stream.end()).toEqual({
      events: [{ event: "next", data: { errors: [error] } }, complete],
      isComplete: true,
    });
  });

  test("that the client has as many as it may have, and has room when one has gone", async () => {
    const { token } = await world.newCaller();
    const one = await open({ token, headers: { "x-request-id": "first-of-two" } });
    const two = await open({ token });
    const [{ data }] = (await (await open({ token })).end()).events as [ServerEvent];
    expect(data.errors).toEqual([
      {
        message: "This client has 2 subscriptions open, the most there may be",
        locations: [{ line: 2, column: 3 }],
        path: ["stockTransactionCreated"],
        extensions: { code: "RATE_LIMITED", status: 429, retryAfterSeconds: 10 },
      },
    ]);
    one.destroy();
    await world.logged({ msg: "request", id: "first-of-two" });
    const [productId, after] = [newProduct(), await world.tip()];
    await world.receive(productId);
    const three = await open({ token, variables: { productIds: [productId], after } });
    expect(await three.receive()).toEqual(eventOf(productId, 1));
    for (const stream of [two, three]) stream.destroy();
  });

  test("that its client was revoked, or that its token has run out", async () => {
    const [one, two] = [await world.newCaller(), await world.newCaller()];
    const revoked = await open({ token: one.token });
    const aged = await open({ token: await world.agedToken(two.id, 5) });
    await world.gateway.gateway.clients.revoke(one.id);
    const events = last("Unable to validate access token", { code: "UNAUTHENTICATED", status: 401 });
    expect(await revoked.end()).toEqual({ events, isComplete: true });
    expect(await aged.end()).toEqual({ events, isComplete: true });
  });

  test("that its client has lost the scope", async () => {
    const { id, token } = await world.newCaller(["inventory:read", "inventory:write"]);
    const stream = await open({ token });
    await world.database.query("UPDATE api_client SET scopes = '{inventory:write}' WHERE id = $1", [id]);
    const extensions = { code: "FORBIDDEN", status: 403, scope: "inventory:read" };
    expect(await stream.end()).toEqual({
      events: last("The access token lacks the scope inventory:read", extensions),
      isComplete: true,
    });
  });

  test("that the gateway stops, which does not wait for one that isn't read", async () => {
    const stopping = await FeedWorld.open();
    const { token } = await stopping.newCaller();
    const variables = { after: await stopping.tip() };
    const [heeding, deaf] = [
      await EventStream.open(stopping.url, { token, query: watchDocument, variables }),
      await EventStream.open(stopping.url, { token, query: largeDocument, variables }),
    ];
    deaf.response.pause();
    await stopping.receiveLarge("large", 100);
    while ((await heeding.receive()).data.data.stockTransactionCreated.node.version < 100);
    await stopping.close();
    const extensions = { code: "SERVICE_UNAVAILABLE", status: 503, outcome: "not applied", retryAfterSeconds: 1 };
    expect(await heeding.end()).toEqual({ events: last("The gateway is stopping", extensions), isComplete: true });
    deaf.destroy();
  });

  test("the request's id and nothing else where there is a fault; its cause is in the log", async () => {
    const after = await world.tip();
    await world.database.query("ALTER TABLE stock_transaction RENAME TO hidden");
    const stream = await open({ variables: { after }, headers: { "x-request-id": "stream-fault" } });
    const { events } = await stream.end();
    await world.database.query("ALTER TABLE hidden RENAME TO stock_transaction");
    const extensions = { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: "stream-fault" };
    expect(events).toEqual([
      {
        event: "next",
        data: {
          errors: [
            {
              message: "Internal server error",
              locations: [{ line: 2, column: 3 }],
              path: ["stockTransactionCreated"],
              extensions,
            },
          ],
        },
      },
      complete,
    ]);
    expect(JSON.stringify(await world.logged({ id: "stream-fault", level: 50 }))).toContain("42P01");
  });
});

test("a stream whose reader takes nothing is cut off: it is handed out no more than the connection holds", async () => {
  const after = await world.tip();
  await world.receiveLarge(newProduct(), 300);
  const { token } = await world.newCaller();
  const stream = await open({ token, query: largeDocument, variables: { after }, headers: { "x-request-id": "slow" } });
  stream.response.pause();
  await world.logged({ id: "slow", msg: "request" });
  stream.response.resume();
  const { events, isComplete } = await stream.end();
  expect(isComplete).toBe(false);
  expect(events.length).toBeLessThan(300);
});

test("a stream without events is kept alive with comments", async () => {
  expect(await quiet.receiveAny()).toEqual({ event: null, data: "" });
  expect(await quiet.receiveAny()).toEqual({ event: null, data: "" });
  expect(quiet.response.closed).toBe(false);
});
