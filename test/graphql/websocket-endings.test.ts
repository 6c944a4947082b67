import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { FeedSocket } from "../support/feed-socket.ts";
import type { FeedMessage } from "../support/feed-socket.ts";
import { FeedWorld, largeDocument } from "./feed-world.ts";
import { newProduct } from "./support.ts";

let world: FeedWorld;
let others: FeedWorld[] = [];

beforeAll(async () => {
  world = await FeedWorld.open({
    watchersMax: 3,
    watchersPerClientMax: 2,
    streamTimings: { lookIntervalMs: 100, takeTimeoutMs: 3_000 },
  });
});

afterEach(async () => {
  for (const other of others) await other.close();
  others = [];
});

afterAll(() => world.close());

/** A world for one test. */
async function open(options: Parameters<typeof FeedWorld.open>[0]): Promise<FeedWorld> {
  const other = await FeedWorld.open(options);
  others.push(other);
  return other;
}

/** What is sent instead of results: the gateway, or this client, has as many subscriptions as there may be. */
const noPlace = (id: string, who: string, max: number): FeedMessage => ({
  id,
  type: "next",
  payload: {
    errors: [
      {
        message: `${who} has ${max} subscriptions open, the most there may be`,
        locations: [{ line: 2, column: 3 }],
        path: ["stockTransactionCreated"],
        extensions: { code: "RATE_LIMITED", status: 429, retryAfterSeconds: 10 },
      },
    ],
  },
});

/** Subscribes until there is a place: it says when one is free. @returns what was told first */
async function untilAdmitted(socket: FeedSocket, productId: string, after: string): Promise<unknown> {
  for (let id = 0; ; id += 1) {
    socket.subscribe(`try-${id}`, { variables: { productIds: [productId], after } });
    const { type, payload } = await socket.receive();
    if (type === "next" && payload.errors === undefined) return payload.data.stockTransactionCreated.node;
    expect((await socket.receive()).type).toBe("complete");
  }
}

describe("an open WebSocket is closed", () => {
  test("with 4401 when its client is revoked", async () => {
    const caller = await world.newCaller();
    const socket = await FeedSocket.admitted(world.url, caller.token);
    socket.subscribe("1");
    await world.gateway.gateway.clients.revoke(caller.id);
    expect(await socket.end()).toEqual({ code: 4401, reason: "Unable to validate access token", unread: [] });
  });

  test("with 4401 when its token runs out", async () => {
    const caller = await world.newCaller();
    const socket = await FeedSocket.admitted(world.url, await world.agedToken(caller.id, 5));
    socket.subscribe("1");
    expect(await socket.end()).toEqual({ code: 4401, reason: "Unable to validate access token", unread: [] });
  });

  test("with 4403 when its client loses the scope", async () => {
    const caller = await world.newCaller(["inventory:read", "inventory:write"]);
    const socket = await FeedSocket.admitted(world.url, caller.token);
    socket.subscribe("1");
    await world.database.query("UPDATE api_client SET scopes = '{inventory:write}' WHERE id = $1", [caller.id]);
    const reason = "The access token lacks the scope inventory:read";
    expect(await socket.end()).toEqual({ code: 4403, reason, unread: [] });
  });

  test("with 1012 when the gateway stops, which does not wait for one that doesn't answer", async () => {
    const stopping = await FeedWorld.open();
    const { token } = await stopping.newCaller();
    const [heeding, deaf] = [
      await FeedSocket.admitted(stopping.url, token),
      await FeedSocket.admitted(stopping.url, token),
    ];
    const stranger = await FeedSocket.open(stopping.url);
    heeding.subscribe("1");
    deaf.subscribe("1");
    deaf.socket.pause();
    await stopping.close();
    expect(await heeding.end()).toEqual({ code: 1012, reason: "The gateway is stopping", unread: [] });
    expect(await stranger.end()).toEqual({ code: 1012, reason: "The gateway is stopping", unread: [] });
    deaf.socket.terminate();
  });

  test("when it does not answer whether it is still there", async () => {
    const impatient = await open({ streamTimings: { pingIntervalMs: 1_000 } });
    const socket = await FeedSocket.admitted(impatient.url, (await impatient.newCaller()).token);
    socket.socket.removeAllListeners("ping");
    socket.socket.pause();
    await impatient.logged({ msg: "websocket", code: 1006 });
    socket.socket.resume();
    expect((await socket.end()).code).toBe(1006);
  });

  test("when it asks and asks and takes no answer: no more is read of it than is answered", async () => {
    const impatient = await open({ streamTimings: { pingIntervalMs: 1_500 } });
    const stranger = await FeedSocket.open(impatient.url);
    stranger.socket.pause();
    const ping = JSON.stringify({ type: "ping", payload: { text: "a".repeat(64_000) } });
    let sent = 0;
    for (let count = 0; count < 500; count += 1) stranger.socket.send(ping, (error) => (sent += error ? 0 : 1));
    await impatient.logged({ msg: "websocket", code: 1006 });
    // Some megabytes are on their way in the system's buffers.
    expect(sent).toBeLessThan(300);
    stranger.socket.terminate();
  });

  test("with 1000 when it has had no subscription for a while, and not while it has one", async () => {
    // Each has as long as from one ping to the next to answer it.
    const impatient = await open({ streamTimings: { pingIntervalMs: 1_500, idleTimeoutMs: 2_000 } });
    const { token } = await impatient.newCaller();
    const busy = await FeedSocket.admitted(impatient.url, token);
    busy.subscribe("1");
    const idle = await FeedSocket.admitted(impatient.url, token);
    expect(await idle.end()).toEqual({ code: 1000, reason: "No subscription for a while", unread: [] });
    let pings = 0;
    await new Promise<void>((resolve) => busy.socket.on("ping", () => (pings += 1) > 2 && resolve()));
    await busy.settle();
    await busy.close();
  });

  test("with 1013 when its reader takes nothing: it is handed out no more than the connection holds", async () => {
    const productId = newProduct();
    const after = await world.tip();
    await world.receiveLarge(productId, 300);
    const { token } = await world.newCaller();
    const slow = await FeedSocket.admitted(world.url, token);
    for (const id of ["1", "2"]) slow.subscribe(id, { query: largeDocument, variables: { after } });
    slow.socket.pause();
    // It has both places of its client: they are free when it has been cut off.
    const prompt = await FeedSocket.admitted(world.url, token);
    await untilAdmitted(prompt, productId, after);
    slow.socket.resume();
    const { code, reason, unread } = await slow.end();
    expect({ code, reason }).toEqual({
      code: 1013,
      reason: "The subscriber did not take what it was sent in time",
    });
    expect(unread.length).toBeLessThan(600);
    await prompt.close();
  });
});

describe("the places for subscriptions", () => {
  test("are bounded for each client and in all; one that is left is free at once, without an event", async () => {
    const [one, two] = [await world.newCaller(), await world.newCaller()];
    const first = await FeedSocket.admitted(world.url, one.token);
    const second = await FeedSocket.admitted(world.url, two.token);
    const [begun, after] = [newProduct(), await world.tip()];
    const nothing = { variables: { productIds: [] } };
    for (const id of ["1", "2"]) first.subscribe(id, { variables: { productIds: [begun], after } });
    await world.receive(begun);
    expect([(await first.receive()).type, (await first.receive()).type]).toEqual(["next", "next"]);
    first.subscribe("3", nothing);
    expect(await first.receive()).toEqual(noPlace("3", "This client", 2));
    expect(await first.receive()).toEqual({ id: "3", type: "complete" });
    for (const id of ["1", "2"]) second.subscribe(id, nothing);
    expect(await second.receive()).toEqual(noPlace("2", "This gateway", 3));
    expect(await second.receive()).toEqual({ id: "2", type: "complete" });
    first.send({ id: "2", type: "complete" });
    await first.settle();
    // Had there been no place it would have been said by now.
    const productId = newProduct();
    second.subscribe("3", { variables: { productIds: [productId], after } });
    await world.receive(productId);
    expect((await second.receive()).payload.data.stockTransactionCreated.node).toEqual({ productId, version: 1 });
    await first.close();
    await second.close();
  });

  test("are free again when a subscription is given up before it has begun", async () => {
    const { token } = await world.newCaller();
    const socket = await FeedSocket.admitted(world.url, token);
    for (let id = 0; id < 10; id += 1) {
      for (const half of ["a", "b"]) socket.subscribe(`${id}${half}`);
      for (const half of ["a", "b"]) socket.send({ id: `${id}${half}`, type: "complete" });
      await socket.settle();
    }
    const [productId, after] = [newProduct(), await world.tip()];
    await world.receive(productId);
    expect(await untilAdmitted(socket, productId, after)).toEqual({ productId, version: 1 });
    await socket.close();
  });

  test("are free again when the connection is lost", async () => {
    const { token } = await world.newCaller();
    const lost = await FeedSocket.admitted(world.url, token);
    for (const id of ["1", "2"]) lost.subscribe(id);
    await lost.settle();
    const from = world.gateway.log.length;
    lost.socket.terminate();
    await world.logged({ msg: "websocket", code: 1006 }, from);
    const [productId, after] = [newProduct(), await world.tip()];
    await world.receive(productId);
    const socket = await FeedSocket.admitted(world.url, token);
    expect(await untilAdmitted(socket, productId, after)).toEqual({ productId, version: 1 });
    await socket.close();
  });
});

describe("a fault", () => {
  const masked = { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: expect.any(String) };

  test("tells who subscribes the connection's id and nothing else; its cause is in the log", async () => {
    const after = await world.tip();
    const socket = await FeedSocket.admitted(world.url, (await world.newCaller()).token);
    await world.database.query("ALTER TABLE stock_transaction RENAME TO hidden");
    socket.subscribe("1", { variables: { after } });
    const { payload } = await socket.receive();
    await world.database.query("ALTER TABLE hidden RENAME TO stock_transaction");
    expect(payload).toEqual({
      errors: [
        {
          message: "Internal server error",
          locations: [{ line: 2, column: 3 }],
          path: ["stockTransactionCreated"],
          extensions: masked,
        },
      ],
    });
    const id = payload.errors[0].extensions.requestId;
    const line = await world.logged({ id, level: 50 });
    expect(JSON.stringify(line)).toContain("42P01");
    await socket.close();
    expect(await world.logged({ id, msg: "websocket" })).toMatchObject({ code: 1005 });
  });

  test("ends what runs with the same, and the next subscription works", async () => {
    const after = await world.tip();
    const productId = newProduct();
    const socket = await FeedSocket.admitted(world.url, (await world.newCaller()).token);
    await world.receive(productId);
    socket.subscribe("1", { variables: { after } });
    expect((await socket.receive()).payload.data.stockTransactionCreated.node.productId).toBe(productId);
    await world.database.query("ALTER TABLE stock_transaction RENAME TO hidden");
    const answer = await socket.receive();
    await world.database.query("ALTER TABLE hidden RENAME TO stock_transaction");
    expect(answer).toEqual({
      id: "1",
      type: "next",
      payload: {
        data: null,
        errors: [{ message: "Internal server error", path: ["stockTransactionCreated"], extensions: masked }],
      },
    });
    expect(await socket.receive()).toEqual({ id: "1", type: "complete" });
    socket.subscribe("1", { variables: { after } });
    expect((await socket.receive()).payload.data.stockTransactionCreated.node.productId).toBe(productId);
    await socket.close();
  });
});
