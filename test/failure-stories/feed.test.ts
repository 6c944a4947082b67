import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { migrate } from "../../src/database/migrate.ts";
import { eventually, findFreePort } from "../start/support.ts";
import { ForeignGroup } from "../support/foreign-group.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { Shop } from "../support/shop.ts";
import { Watcher } from "../support/watcher.ts";
import type { Seen, WatcherOptions } from "../support/watcher.ts";

/** A server of its own, since it is restarted. Nothing here outlives the test, so nothing has to reach the disk. */
const settings = { fsync: "off", full_page_writes: "off", synchronous_commit: "off" };
let folder: string;
let port: string;
let server: EmbeddedPostgres;
let gateways: readonly TestGateway[] = [];
let tokens: readonly string[] = [];
let started: Watcher[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "feed-"));
  port = String(await findFreePort());
  server = await startEmbeddedPostgres(folder, { ...settings, port });
  await migrate(server.url);
  gateways = [await startTestGateway({ databaseUrl: server.url }), await startTestGateway({ databaseUrl: server.url })];
  tokens = await Promise.all(gateways.map((gateway) => gateway.token()));
});

afterEach(async () => {
  await Promise.all(started.map((watcher) => watcher.stop()));
  started = [];
});

afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** The whole ledger in its order, or that of some products, as the feed has to tell it. */
async function ledgerOf(productIds: readonly string[] | undefined): Promise<Omit<Seen, "cursor">[]> {
  return query(
    `SELECT product_id AS "productId", version, available_after AS "availableAfter" FROM stock_transaction
     WHERE $1::text[] IS NULL OR product_id = ANY($1::text[]) ORDER BY position`,
    [productIds ?? null],
  );
}

const withoutCursor = ({ productId, version, availableAfter }: Seen): Omit<Seen, "cursor"> => ({
  productId,
  version,
  availableAfter,
});

function watch(options: Omit<WatcherOptions, "url" | "token">, gatewayIndex = 0): Watcher {
  const gateway = gateways[gatewayIndex];
  const token = tokens[gatewayIndex];
  if (gateway === undefined || token === undefined) throw new Error("There is no such gateway");
  const watcher = new Watcher({ url: gateway.url, token, ...options }).start();
  started.push(watcher);
  return watcher;
}

async function openShop(): Promise<Shop> {
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error("There is no gateway");
  return Shop.open(gateway);
}

/** The cursor of the newest entry: after a change, so that there is one. */
async function cursorAtEnd(shop: Shop): Promise<string> {
  const { moved } = await shop.move({ productId: "first", action: "INCREMENT", quantity: 1 });
  for (;;) {
    const { body } = await shop.graphql(
      `{ stockTransactions(orderBy: OLDEST_FIRST, last: 1) { edges { cursor node { id } } } }`,
      {},
    );
    const page = body.data?.["stockTransactions"] as { edges: { cursor: string; node: { id: string } }[] };
    const [edge] = page.edges;
    if (edge !== undefined && edge.node.id === moved?.id) return edge.cursor;
  }
}

describe("F17: events missing or collapsed", () => {
  test("0 → 10 → 0 gives two events with their own levels, in order; a refused change gives none", async () => {
    const shop = await openShop();
    const watcher = watch({ after: await cursorAtEnd(shop) }, 1);
    await shop.move({ productId: "f17", action: "INCREMENT", quantity: 10 });
    await shop.move({ productId: "f17", action: "DECREMENT", quantity: 11 });
    await shop.move({ productId: "f17", action: "DECREMENT", quantity: 10 });
    await shop.move({ productId: "f17 end", action: "INCREMENT", quantity: 1 });
    await watcher.sees(3);
    expect(watcher.seen.map(withoutCursor)).toEqual([
      { productId: "f17", version: 1, availableAfter: 10 },
      { productId: "f17", version: 2, availableAfter: 0 },
      { productId: "f17 end", version: 1, availableAfter: 1 },
    ]);
  });
});

describe("F19: a batch told only of its last item", () => {
  test("a batch on three products gives three events", async () => {
    const shop = await openShop();
    const watcher = watch({ after: await cursorAtEnd(shop) }, 1);
    const lines = ["f19 a", "f19 b", "f19 c"].map((productId) => ({ productId, action: "INCREMENT", quantity: 2 }));
    await shop.moveAll(lines, "ALL_OR_NOTHING");
    await watcher.sees(3);
    expect(watcher.seen.map(withoutCursor)).toEqual(
      lines.map(({ productId }) => ({ productId, version: 1, availableAfter: 2 })),
    );
  });
});

describe("a group that ends late", () => {
  /** Two watchers, on two gateways; then a group that has written a product, and a product that was received after it. */
  async function watchALateGroup(late: string, early: string): Promise<{ group: ForeignGroup; watchers: Watcher[] }> {
    const shop = await openShop();
    const after = await cursorAtEnd(shop);
    const watchers = [watch({ after }, 0), watch({ after }, 1)];
    const group = await ForeignGroup.begin(server.url);
    await group.write(late);
    await shop.move({ productId: early, action: "INCREMENT", quantity: 1 });
    // The gateways have time to be wrong in.
    for (let reads = 0; reads < 30; reads += 1) await shop.levels(early);
    expect(watchers.map(({ seen }) => seen)).toEqual([[], []]);
    return { group, watchers };
  }

  const productsSeen = async (watcher: Watcher, count: number): Promise<readonly string[]> => {
    await watcher.sees(count);
    return watcher.seen.map(({ productId }) => productId);
  };

  test("is waited for: its event comes in its place, before what was accepted meanwhile", async () => {
    const { group, watchers } = await watchALateGroup("late", "early");
    await group.end("COMMIT");
    for (const watcher of watchers) expect(await productsSeen(watcher, 2)).toEqual(["late", "early"]);
  });

  test("is not waited for when it is rolled back, though nothing tells of that", async () => {
    const { group, watchers } = await watchALateGroup("lost", "kept");
    await group.end("ROLLBACK");
    for (const watcher of watchers) expect(await productsSeen(watcher, 1)).toEqual(["kept"]);
  });
});

const watchersCount = 200;
const transactionsMin = 20_000;
const products = Array.from({ length: 60 }, (_, index) => `feed ${index}`);

interface CrowdMember {
  readonly watcher: Watcher;
  readonly productIds: readonly string[] | undefined;
  readonly leaves: boolean;
}

/** Every fortieth sees everything, the others a product each; every fifth lets go now and then. */
function watchersFrom(after: string): CrowdMember[] {
  return Array.from({ length: watchersCount }, (_, index) => {
    const productIds = index % 40 === 0 ? undefined : [products[index % products.length] ?? ""];
    const leaves = index % 5 === 0;
    const options = {
      after,
      ...(productIds === undefined ? {} : { productIds }),
      ...(leaves ? { leavesAfter: (productIds === undefined ? 3_000 : 50) + index } : {}),
    };
    return { watcher: watch(options, index % gateways.length), productIds, leaves };
  });
}

/** Moves stock through one gateway until enough is in the ledger; what the database's restart refuses is not counted. */
async function moveUntil(shop: Shop, isEnough: () => boolean, accept: (count: number) => void): Promise<void> {
  for (let round = 0; !isEnough(); round += 1) {
    const lines = Array.from({ length: 100 }, (_, line) => ({
      productId: products[(round * 7 + line * 13) % products.length] ?? "",
      action: line % 3 === 2 ? "DECREMENT" : "INCREMENT",
      quantity: 1 + ((round + line) % 4),
    }));
    try {
      const results = await shop.moveAll(lines, "EACH");
      accept(results.filter(({ transaction }) => transaction !== null).length);
    } catch (error) {
      if (!String(error).includes("SERVICE_UNAVAILABLE")) throw error;
    }
  }
}

describe("a crowd of watchers over two gateways", () => {
  test("sees every stock transaction once and in order, while the database restarts and signals are cut off", async () => {
    const shops = await Promise.all(gateways.map((gateway) => Shop.open(gateway)));
    const [shop] = shops;
    if (shop === undefined) throw new Error("There is no gateway");
    const after = await cursorAtEnd(shop);
    const known = await ledgerOf(undefined);
    const watchers = watchersFrom(after);
    let accepted = 0;
    const moveUpTo = (count: number): Promise<unknown> =>
      Promise.all(
        shops.map((each) =>
          moveUntil(
            each,
            () => accepted >= count,
            (more) => (accepted += more),
          ),
        ),
      );

    await moveUpTo(6_000);
    await Promise.all([moveUpTo(12_000), cutSignals()]);
    await Promise.all([moveUpTo(18_000), restartDatabase()]);
    await moveUpTo(transactionsMin);

    const ledger = (await ledgerOf(undefined)).slice(known.length);
    expect(ledger.length).toBeGreaterThanOrEqual(transactionsMin);
    for (const { watcher, productIds, leaves } of watchers) {
      const expected = ledger.filter(({ productId }) => productIds?.includes(productId) ?? true);
      await watcher.sees(expected.length);
      expect(watcher.seen.map(withoutCursor)).toEqual(expected);
      // Who comes just when the database is away is told so; who is there stays.
      expect(watcher.breaks.filter((reason) => !leaves || !isOutage(reason))).toEqual([]);
    }
  }, 300_000);
});

/** What is said to who asks for a session, or for a subscription, while the database is away. */
const isOutage = (reason: string): boolean => reason.startsWith("1012 ") || reason.includes("SERVICE_UNAVAILABLE");

/** Ends the sessions that the gateways tell each other on. */
async function cutSignals(): Promise<void> {
  const listening = "SELECT FROM pg_stat_activity WHERE application_name = 'inventory-gateway signal'";
  await eventually("one of each", async () => (await query(listening)).length === gateways.length);
  const sessions = await query<{ ended: boolean }>(
    "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE application_name = 'inventory-gateway signal'",
  );
  expect(sessions).toEqual(gateways.map(() => ({ ended: true })));
}

async function restartDatabase(): Promise<void> {
  await server.stop();
  server = await startEmbeddedPostgres(folder, { ...settings, port });
}
