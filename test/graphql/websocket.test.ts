import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { closingOf, FeedSocket, refusedUpgrade, watchDocument } from "../support/feed-socket.ts";
import type { Closing, FeedMessage } from "../support/feed-socket.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";
import { FeedWorld } from "./feed-world.ts";
import { newProduct } from "./support.ts";

let world: FeedWorld;
let gateway: TestGateway;
let token: string;
let others: TestGateway[] = [];

beforeAll(async () => {
  world = await FeedWorld.open();
  ({ gateway } = world);
  token = await gateway.token();
});

afterEach(async () => {
  for (const other of others) await other.close();
  others = [];
});

afterAll(() => world.close());

/** Another gateway, for one test. */
async function startOther(options: TestGatewayOptions): Promise<TestGateway> {
  const other = await startTestGateway(options);
  others.push(other);
  return other;
}

/** Closes one, and waits until the gateway has let go of it. */
async function closedAndLogged(socket: FeedSocket, { log }: TestGateway): Promise<void> {
  const countClosed = (): number => log.filter((line) => line.includes('"msg":"websocket"')).length;
  const before = countClosed();
  await socket.close();
  while (countClosed() === before) await new Promise(setImmediate);
}

/** What is sent of a stock transaction when {@link watchDocument} is asked. */
const event = (id: string, productId: string, version: number): FeedMessage => ({
  id,
  type: "next",
  payload: { data: { stockTransactionCreated: { cursor: expect.any(String), node: { productId, version } } } },
});

/** The error messages that refuse a subscription. */
const refused = (id: string, message: string, extensions: object, place: object = {}): FeedMessage => ({
  id,
  type: "error",
  payload: [{ message, ...place, extensions }],
});

describe("the client library", () => {
  test("is told each stock transaction once and in order, until it lets go", async () => {
    const productId = newProduct();
    const client = createClient({
      url: `${gateway.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
    });
    const results = client.iterate({
      query: watchDocument,
      variables: { productIds: [productId], after: await world.tip() },
    });
    for (const quantity of [1, 2, 3]) await world.receive(productId, quantity);
    const versions: unknown[] = [];
    for await (const { data, errors } of results) {
      expect(errors).toBeUndefined();
      versions.push(data?.["stockTransactionCreated"]);
      if (versions.length === 3) break;
    }
    expect(versions).toEqual(
      [1, 2, 3].map((version) => ({ cursor: expect.any(String), node: { productId, version } })),
    );
    await client.dispose();
  });

  test("goes on from a cursor: first what was missed, then live, with nothing twice", async () => {
    const productId = newProduct();
    const after = await world.tip();
    await world.receive(productId);
    await world.receive(productId);
    const socket = await FeedSocket.admitted(gateway.url, token);
    socket.subscribe("1", { variables: { after, productIds: [productId] } });
    const first = await socket.receive();
    expect([first, await socket.receive()]).toEqual([event("1", productId, 1), event("1", productId, 2)]);
    await world.receive(productId);
    expect(await socket.receive()).toEqual(event("1", productId, 3));
    socket.subscribe("2", {
      variables: { after: first.payload.data.stockTransactionCreated.cursor, productIds: [productId] },
    });
    expect([await socket.receive(), await socket.receive()]).toEqual([
      event("2", productId, 2),
      event("2", productId, 3),
    ]);
    await socket.close();
  });
});

describe("an access token", () => {
  const places: [string, (bearer: string) => object][] = [
    ["Authorization", (bearer) => ({ Authorization: bearer })],
    ["authorization", (bearer) => ({ authorization: bearer })],
    ["headers.Authorization", (bearer) => ({ headers: { Authorization: bearer } })],
    ["headers.authorization", (bearer) => ({ headers: { authorization: bearer } })],
  ];
  test.each(places)("is taken from %s of the first message", async (_name, payloadOf) => {
    const socket = await FeedSocket.open(gateway.url);
    socket.send({ type: "connection_init", payload: payloadOf(`Bearer ${token}`) });
    expect(await socket.receive()).toEqual({ type: "connection_ack" });
    await socket.close();
  });

  test("is taken from the header of the request for the WebSocket where the first message has none", async () => {
    const socket = await FeedSocket.open(gateway.url, { headers: { authorization: `Bearer ${token}` } });
    socket.send({ type: "connection_init" });
    expect(await socket.receive()).toEqual({ type: "connection_ack" });
    await socket.close();
  });

  const refusals: [string, object | undefined][] = [
    ["missing", undefined],
    ["of another scheme", { Authorization: "Basic YTpi" }],
    ["no text", { Authorization: { token: "a" } }],
    ["made up", { Authorization: "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl" }],
    ["too long", { Authorization: `Bearer a.${"b".repeat(10_000)}.c` }],
  ];
  test.each(refusals)("that is %s closes with 4401, and nothing is sent", async (_name, payload) => {
    const socket = await FeedSocket.open(gateway.url);
    socket.send({ type: "connection_init", payload });
    expect(await socket.end()).toEqual({ code: 4401, reason: "Unable to validate access token", unread: [] });
  });

  test("without the scope inventory:read closes with 4403, and nothing is sent", async () => {
    const writeOnly = await gateway.token(["inventory:write"]);
    const socket = await FeedSocket.open(gateway.url);
    socket.send({ type: "connection_init", payload: { Authorization: `Bearer ${writeOnly}` } });
    expect(await socket.end()).toEqual({
      code: 4403,
      reason: "The access token lacks the scope inventory:read",
      unread: [],
    });
  });

  test("is in no log line, and neither is a document", async () => {
    const socket = await FeedSocket.open(gateway.url, { headers: { authorization: `Bearer ${token}` } });
    socket.send({ type: "connection_init", payload: { Authorization: `Bearer ${token}` } });
    await socket.receive();
    socket.subscribe("1", { query: `subscription secretOperation { stockTransactionCreated { cursor } }` });
    socket.subscribe("2", { query: `subscription secretMistake { stockTransactionCreated { curser } }` });
    await socket.receive();
    await closedAndLogged(socket, gateway);
    const logged = gateway.log.join("");
    expect(logged).not.toMatch(/eyJ|secretOperation|secretMistake/);
  });
});

describe("the protocol", () => {
  test("closes with 4408 who has not shown an access token in time", async () => {
    const { databaseUrl } = gateway;
    const hasty = await startOther({ databaseUrl, streamTimings: { admissionTimeoutMs: 50 } });
    const socket = await FeedSocket.open(hasty.url);
    expect(await socket.end()).toEqual({ code: 4408, reason: "Connection initialisation timeout", unread: [] });
  });

  test.each(["graphql-ws", "chat"])("closes with 4406 who speaks %s", async (protocol) => {
    expect(await closingOf(gateway.url, protocol)).toEqual({ code: 4406, reason: "Subprotocol not acceptable" });
  });

  test("closes with 4401 who subscribes before being admitted", async () => {
    const socket = await FeedSocket.open(gateway.url);
    socket.subscribe("1");
    expect(await socket.end()).toEqual({ code: 4401, reason: "Unauthorized", unread: [] });
  });

  test("closes with 4409 who uses the id of a subscription that runs", async () => {
    const socket = await FeedSocket.admitted(gateway.url, token);
    socket.subscribe("1");
    socket.subscribe("1");
    expect(await socket.end()).toEqual({ code: 4409, reason: "Subscriber for 1 already exists", unread: [] });
  });

  test("closes with 1013 who is admitted more often than the client may ask", async () => {
    const { databaseUrl } = gateway;
    const strict = await startOther({ databaseUrl, rateLimits: { perClient: 1, perAddress: 0 } });
    const strictToken = await strict.token(["inventory:read"]);
    const endings: (Closing | undefined)[] = [];
    while (endings.at(-1) === undefined) {
      const socket = await FeedSocket.open(strict.url);
      socket.send({ type: "connection_init", payload: { Authorization: `Bearer ${strictToken}` } });
      endings.push(
        await socket.receive().then(
          () => undefined,
          () => socket.closed,
        ),
      );
      await socket.close();
    }
    expect(endings.at(-1)).toEqual({ code: 1013, reason: "Too many requests from this client" });
  });

  test("refuses a subscription with RATE_LIMITED where the client asks for too many, and the connection goes on", async () => {
    const { databaseUrl } = gateway;
    const strict = await startOther({ databaseUrl, rateLimits: { perClient: 1, perAddress: 0 } });
    const socket = await FeedSocket.admitted(strict.url, await strict.token(["inventory:read"]));
    for (let id = 0; id < 20; id += 1) socket.subscribe(String(id), { query: "{ nothing }" });
    const codes = new Set<string>();
    for (let id = 0; id < 20; id += 1) codes.add((await socket.receive()).payload[0].extensions.code);
    expect([...codes]).toEqual(["GRAPHQL_VALIDATION_FAILED", "RATE_LIMITED"]);
    await socket.settle();
    // Each second that passes lets one in.
    let last: FeedMessage;
    do {
      socket.subscribe("last", { query: "{ nothing }" });
      last = await socket.receive();
    } while (last.payload[0].extensions.code === "GRAPHQL_VALIDATION_FAILED");
    expect(last).toEqual(
      refused("last", "Too many requests from this client", {
        code: "RATE_LIMITED",
        status: 429,
        outcome: "not applied",
        retryAfterSeconds: expect.any(Number),
      }),
    );
    await socket.close();
  });

  test("ends a subscription with RATE_LIMITED whose events read longer lists than the client may ask for", async () => {
    const [after, productId] = [await world.tip(), newProduct()];
    for (let count = 0; count < 20; count += 1) await world.receive(productId);
    const { databaseUrl } = gateway;
    const limited = await startOther({ databaseUrl, rateLimits: { perClient: 1, perAddress: 0 } });
    const socket = await FeedSocket.admitted(limited.url, await limited.token());
    const lists = `stockTransactionCreated(after: $after) { node { stock { transactions(first: 100) { nodes { version } } } } }`;
    socket.subscribe("1", { query: `subscription ($after: String) { ${lists} }`, variables: { after } });
    let message = await socket.receive();
    for (let told = 1; message.payload.errors === undefined; told += 1) {
      expect(told).toBeLessThan(20);
      message = await socket.receive();
    }
    expect(message.payload).toMatchObject({
      data: null,
      errors: [{ extensions: { code: "RATE_LIMITED", status: 429 } }],
    });
    expect(await socket.receive()).toEqual({ id: "1", type: "complete" });
    await socket.close();
  });

  test("closes with 4429 who shows a token twice", async () => {
    const socket = await FeedSocket.admitted(gateway.url, token);
    socket.send({ type: "connection_init" });
    expect((await socket.end()).code).toBe(4429);
  });

  const unreadable: [string, string | Buffer, string][] = [
    ["bytes", Buffer.from(`{"type":"ping"}`), "Messages are text"],
    ["no JSON", "{", "Invalid message received"],
    ["JSON that is no message", "[]", "Invalid message received"],
    ["a message of no known type", `{"type":"start","id":"1"}`, "Invalid message received"],
    ["a subscription without a document", `{"type":"subscribe","id":"1","payload":{}}`, "Invalid message received"],
    ["variables that are no object", subscription({ variables: "a" }), "Invalid message received"],
  ];
  test.each(unreadable)("closes with 4400 who sends %s", async (_name, message, reason) => {
    const socket = await FeedSocket.admitted(gateway.url, token);
    socket.send(message);
    expect(await socket.end()).toEqual({ code: 4400, reason, unread: [] });
  });

  test("closes with 1009 who sends more than 64 KiB in a message, and takes what is just below", async () => {
    const socket = await FeedSocket.admitted(gateway.url, token);
    const size = (bytes: number) => `{"type":"ping"${" ".repeat(bytes - 15)}}`;
    socket.send(size(65_536));
    expect(await socket.receive()).toEqual({ type: "pong" });
    socket.send(size(65_537));
    expect((await socket.end()).code).toBe(1009);
  });

  test("answers 503 to the request for a WebSocket where there are as many as there may be, and has room when one leaves", async () => {
    const small = await startOther({ watchersMax: 2 });
    const [one] = [await FeedSocket.open(small.url), await FeedSocket.open(small.url)];
    const response = await refusedUpgrade(small.url);
    expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "10"]);
    await closedAndLogged(one, small);
    const three = await FeedSocket.admitted(small.url, await small.token());
    await three.close();
  });
});

test("answers 503 where an address has many WebSockets without an access token, and none takes the room of others", async () => {
  const crowded = await startOther({});
  const strangers = await Promise.all(Array.from({ length: 64 }, () => FeedSocket.open(crowded.url)));
  const response = await refusedUpgrade(crowded.url);
  expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "10"]);
  const [first, ...rest] = strangers;
  if (first !== undefined) await closedAndLogged(first, crowded);
  const admitted = await FeedSocket.admitted(crowded.url, await crowded.token());
  // Who has shown one is no stranger any more.
  await (await FeedSocket.open(crowded.url)).close();
  await Promise.all([admitted, ...rest].map((socket) => socket.close()));
});

/** A message that asks for a subscription. */
function subscription(payload: object): string {
  return JSON.stringify({ id: "1", type: "subscribe", payload: { query: watchDocument, ...payload } });
}

test("many subscriptions share a connection, and each has its own events", async () => {
  const socket = await FeedSocket.admitted(gateway.url, token);
  const after = await world.tip();
  const productIds = Array.from({ length: 30 }, () => newProduct());
  for (const productId of productIds) socket.subscribe(productId, { variables: { productIds: [productId], after } });
  for (const productId of productIds) await world.receive(productId);
  const received: FeedMessage[] = [];
  while (received.length < productIds.length) received.push(await socket.receive());
  // Which of several subscriptions is served first is nobody's promise.
  const ids = received.map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set(productIds));
  expect(received).toEqual(ids.map((id) => event(String(id), String(id), 1)));
  await socket.close();
});

/** The first result of a subscription, on a connection of its own. */
async function firstOf(payload: object): Promise<unknown> {
  const socket = await FeedSocket.admitted(gateway.url, token);
  socket.subscribe("1", payload);
  const { payload: result } = await socket.receive();
  await socket.close();
  return result;
}

describe("who asks what another one has asked", () => {
  test("is told the stock as it is now, and not as it was then", async () => {
    const [after, productId] = [await world.tip(), newProduct()];
    const asked = {
      query: `subscription ($after: String, $ids: [ID!]) { stockTransactionCreated(after: $after, productIds: $ids) { node { version stock { version } } } }`,
      variables: { after, ids: [productId] },
    };
    const told = (now: number): object => ({
      data: { stockTransactionCreated: { node: { version: 1, stock: { version: now } } } },
    });
    await world.receive(productId);
    const other = await FeedSocket.admitted(gateway.url, token);
    other.subscribe("1", asked);
    expect((await other.receive()).payload).toEqual(told(1));
    await world.receive(productId);
    // What was looked up for one is shared for a moment.
    while (JSON.stringify(await firstOf(asked)) !== JSON.stringify(told(2)));
    await other.close();
  });

  test("but gives null where the other one leaves the default is answered by itself", async () => {
    const socket = await FeedSocket.admitted(gateway.url, token);
    const [after, productId] = [await world.tip(), newProduct()];
    await world.receive(productId);
    const query = `subscription ($after: String, $ids: [ID!], $whole: Boolean = true) {
      stockTransactionCreated(after: $after, productIds: $ids) { node { version @include(if: $whole) } } }`;
    const variables = { after, ids: [productId] };
    const ask = (more: object): object => ({ query, variables: { ...variables, ...more } });
    for (const [id, more] of [{}, { whole: null }].entries()) socket.subscribe(String(id), ask(more));
    const results = [await socket.receive(), await socket.receive()].toSorted((one, other) =>
      String(one.id).localeCompare(String(other.id)),
    );
    expect(results.map(({ payload }) => payload)).toMatchObject([
      { data: { stockTransactionCreated: { node: { version: 1 } } } },
      { data: null, errors: [{ extensions: { code: "BAD_USER_INPUT", status: 400 } }] },
    ]);
    await socket.close();
  });
});
