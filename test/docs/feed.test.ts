import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { createFeedClient, follow } from "../../docs/examples/apollo-client.ts";
import type { StockTransactionEdge } from "../../docs/examples/apollo-client.ts";
import { readSince } from "../../docs/examples/poll.ts";
import { FeedWorld } from "../graphql/feed-world.ts";
import { findFreePort } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
let world: FeedWorld;

beforeAll(async () => {
  // Node 20 has none of its own, as browsers and later releases do.
  Object.assign(globalThis, { WebSocket });
  world = await FeedWorld.open({ streamTimings: { lookIntervalMs: 100 } });
});

afterAll(() => world.close());

/** What a follower has been told, and a promise of more. */
class Seen {
  readonly versions: number[] = [];
  #wake: () => void = () => undefined;

  add(version: number): void {
    this.versions.push(version);
    this.#wake();
  }

  async until(version: number): Promise<readonly number[]> {
    while (this.versions.at(-1) !== version)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.versions;
  }
}

/** A gateway that a test stops and starts again at the same place, over the ledger of {@link world}. */
const startAnother = (port: number): ReturnType<typeof startTestGateway> =>
  startTestGateway({ databaseUrl: world.gateway.databaseUrl, port, streamTimings: { lookIntervalMs: 100 } });

test("the follower with Apollo Client misses and repeats nothing when its token runs out and when the gateway starts again", async () => {
  const { id, token } = await world.newCaller();
  const tokens = [await world.agedToken(id, 2)];
  const asked: string[] = [];
  const seen = new Seen();
  const after = await world.tip();
  const port = await findFreePort();
  let gateway = await startAnother(port);
  const client = createFeedClient(gateway.url, async () => {
    asked.push(tokens.shift() ?? token);
    return asked.at(-1) ?? "";
  });
  const stop = follow(client, {
    after,
    productIds: ["followed"],
    onEdge: ({ node }: StockTransactionEdge) => seen.add(node.version),
    onRefused: (error) => {
      throw error;
    },
  });
  await world.receive("followed");
  await seen.until(1);
  // The first token has run out when a second one is asked for.
  while (asked.length < 2) await world.receive("other");
  await world.receive("followed");
  await seen.until(2);
  await gateway.close();
  await world.receive("followed");
  gateway = await startAnother(port);
  await world.receive("followed");
  expect(await seen.until(4)).toEqual([1, 2, 3, 4]);
  stop();
  client.stop();
  await gateway.close();
});

test("the follower with Apollo Client says so when it may not read", async () => {
  const { token } = await world.newCaller(["inventory:write"]);
  const client = createFeedClient(world.url, async () => token);
  const error = await new Promise<Error>((resolve) => {
    follow(client, { after: null, onEdge: () => undefined, onRefused: resolve });
  });
  expect(error.message).toBe("Socket closed with event 4403 The access token lacks the scope inventory:read");
  client.stop();
});

test("the follower with Apollo Client says so when its cursor is none", async () => {
  const { token } = await world.newCaller();
  const client = createFeedClient(world.url, async () => token);
  const error = await new Promise<Error>((resolve) => {
    follow(client, { after: "here", onEdge: () => undefined, onRefused: resolve });
  });
  expect(error.message).toBe("after is not a cursor of this list in this order");
  client.stop();
});

test("the follower with curl goes on from the cursor in its file, when it is started again and when the gateway is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "follow-"));
  const port = await findFreePort();
  let gateway = await startAnother(port);
  const { client, secret } = await gateway.gateway.clients.create({
    name: "Curl",
    scopes: ["inventory:read"],
    implicit: false,
  });
  const env = { ...process.env, GATEWAY: gateway.url, CLIENT_ID: client.id, CLIENT_SECRET: secret };
  const file = join(folder, "cursor");
  let lastCursor = "";
  const start = (seen: Seen): (() => void) => {
    // A group of its own, so that curl ends with it.
    const shell = spawn("bash", [join(docs, "examples/follow.sh"), file], { env, detached: true });
    createInterface(shell.stdout).on("line", (line) => {
      const { data } = JSON.parse(line) as { data: { stockTransactionCreated: StockTransactionEdge } };
      const { cursor, node } = data.stockTransactionCreated;
      const { productId, version } = node;
      lastCursor = cursor;
      if (productId === "curled") seen.add(version);
    });
    return () => void process.kill(-(shell.pid ?? 0));
  };
  const [first, second] = [new Seen(), new Seen()];
  let stop = start(first);
  // It follows from when it has connected: until then nobody is told.
  while (first.versions.length === 0) await world.receive("curled");
  await world.receive("curled");
  const versions = async (): Promise<number> => (await world.shop.levels("curled"))?.version ?? 0;
  await first.until(await versions());
  // Ended before it has kept the cursor of what it has printed, it would print that again.
  while (JSON.parse(await readFile(file, "utf8")) !== lastCursor);
  stop();
  await world.receive("curled");
  stop = start(second);
  await second.until(await versions());
  await gateway.close();
  await world.receive("curled");
  gateway = await startAnother(port);
  await second.until(await versions());
  stop();
  const [begin = 0] = first.versions;
  expect([...first.versions, ...second.versions]).toEqual(
    Array.from({ length: (await versions()) - begin + 1 }, (_, index) => begin + index),
  );
  await gateway.close();
  await rm(folder, { recursive: true });
});

test("the poller reads each stock transaction once, page by page", async () => {
  const { token } = await world.newCaller();
  let after = await world.tip();
  const versions: number[] = [];
  let received = 0;
  for (const count of [250, 0, 3]) {
    if (count > 0) await world.receiveLarge("polled", count);
    received += count;
    // Other files' groups run on the same server: one that ends in the very moment of a reading puts off the newest to the next.
    do {
      for await (const { cursor, node } of readSince(world.url, token, after)) {
        after = cursor;
        versions.push(node.version);
      }
    } while (versions.length < received);
  }
  expect(versions).toEqual(Array.from({ length: 253 }, (_, index) => index + 1));
});

test("docs/feed.md shows the examples as they are", async () => {
  const text = await readFile(join(docs, "feed.md"), "utf8");
  for (const example of ["apollo-client.ts", "follow.sh", "poll.ts"])
    expect(text).toContain(`\n${await readFile(join(docs, "examples", example), "utf8")}\`\`\``);
});
