import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ConfigError } from "../../src/config.ts";
import type { DatabasePlace } from "../../src/database/durability.ts";
import { migrate } from "../../src/database/migrate.ts";
import { checkReplica } from "../../src/database/replica.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { newProduct } from "../graphql/support.ts";
import { eventually, findFreePort, Premises, requestToken } from "../start/support.ts";
import { parseExposition } from "../support/exposition.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";
import { Postgres } from "../support/postgres.ts";
import { Shop } from "../support/shop.ts";

const database = "inventory";
const servers: Postgres[] = [];
let primary: Postgres;
let replica: Postgres;
let metrics: Metrics;
/** One with the replica, and one that knows nothing of it; both have the same API client. */
let gateway: TestGateway;
let other: TestGateway;
let shop: Shop;
let otherShop: Shop;

beforeAll(async () => {
  primary = keep(await Postgres.create());
  await primary.query(`CREATE DATABASE ${database}`);
  await migrate(primary.url(database));
  replica = keep(await Postgres.standbyOf(primary));
  metrics = new Metrics("1");
  gateway = await startTestGateway({
    databaseUrl: primary.url(database),
    databaseReplicaUrl: replica.url(database),
    metrics,
  });
  other = await startTestGateway({ databaseUrl: primary.url(database) });
  const token = await gateway.token();
  shop = new Shop(gateway.url, token);
  otherShop = new Shop(other.url, token);
});

beforeEach(async () => {
  await resume();
  await untilAnswered();
});

afterAll(async () => {
  await gateway.close();
  await other.close();
  for (const server of servers.toReversed()) await server.remove();
});

function keep(server: Postgres): Postgres {
  servers.push(server);
  return server;
}

/** The replica receives what the primary writes, and shows none of it. */
async function pause(): Promise<void> {
  await replica.query("SELECT pg_wal_replay_pause()");
  await eventually("a pause", async () => {
    const [row] = await replica.query("SELECT pg_get_wal_replay_pause_state() AS state");
    return row?.["state"] === "paused";
  });
}

async function resume(): Promise<void> {
  await replica.query("SELECT pg_wal_replay_resume()");
}

/** Asks until the replica answers. */
async function untilAnswered(): Promise<void> {
  await eventually(
    "an answer of the replica",
    async () => {
      const before = await reads();
      await shop.levels("nothing");
      return (await reads()).answered > before.answered;
    },
    30_000,
  );
}

/** How many reads came to what. */
interface Reads {
  readonly answered: number;
  readonly behind: number;
  readonly away: number;
}

async function readsIn(counted: Metrics): Promise<Reads> {
  const { samples = [] } = parseExposition(await counted.read()).get("inventory_replica_reads_total") ?? {};
  const of = (outcome: string): number =>
    samples.find(({ labels }) => labels["outcome"] === outcome)?.value ?? Number.NaN;
  return { answered: of("answered"), behind: of("behind"), away: of("away") };
}

const reads = (): Promise<Reads> => readsIn(metrics);

/** What has come to what since then. */
async function readsSince(before: Reads): Promise<Reads> {
  const now = await reads();
  return {
    answered: now.answered - before.answered,
    behind: now.behind - before.behind,
    away: now.away - before.away,
  };
}

async function logged(message: string): Promise<void> {
  await eventually(message, () => gateway.log.some((line) => line.includes(message)));
}

/** A further gateway, while it is worked with. */
async function withGateway(
  options: TestGatewayOptions,
  work: (shop: Shop, reads: () => Promise<Reads>) => Promise<void>,
): Promise<void> {
  const counted = new Metrics("1");
  const further = await startTestGateway({ ...options, metrics: counted });
  try {
    await work(await Shop.open(further), () => readsIn(counted));
  } finally {
    await further.close();
  }
}

const isReady = async (): Promise<boolean> => (await fetch(`${gateway.url}/readyz`)).status === 200;

const receive = (by: Shop, productId: string): Promise<unknown> =>
  by.move({ productId, action: "INCREMENT", quantity: 1 });

describe("a replica", () => {
  test("answers every query but those that are about what runs on the primary", async () => {
    const productId = newProduct();
    await receive(shop, productId);
    await shop.move({ productId, action: "INCREMENT", quantity: 1, idempotencyKey: productId });
    await untilAnswered();
    const before = await reads();
    const lists = "totalCount nodes { version }";
    const asked = `query ($id: ID!, $key: String!) {
      stock(productId: $id) { version transactions(first: 5) { ${lists} } }
      later: stock(productId: $id, at: "2100-01-01T00:00:00Z") { version }
      stocksByProductId(productIds: [$id]) { version }
      stocks(filter: { productIdPrefix: $key }) { ${lists} }
      newest: stockTransactions(filter: { productIds: [$id] }) { ${lists} }
    }`;
    const { body } = await shop.graphql(asked, { id: productId, key: productId });
    const stock = { version: 2 };
    expect(body).toEqual({
      data: {
        stock: { ...stock, transactions: { totalCount: 2, nodes: [{ version: 2 }, { version: 1 }] } },
        later: stock,
        stocksByProductId: [stock],
        stocks: { totalCount: 1, nodes: [stock] },
        newest: { totalCount: 2, nodes: [{ version: 2 }, { version: 1 }] },
      },
    });
    // The two that ask for a stock by its id at the same time may share a statement.
    const { answered, ...others } = await readsSince(before);
    expect(others).toEqual({ behind: 0, away: 0 });
    expect(answered).toBeGreaterThanOrEqual(8);
    const rest = await reads();
    const primaryOnly = `query ($id: ID!, $key: String!) {
      oldest: stockTransactions(filter: { productIds: [$id] }, orderBy: OLDEST_FIRST) { nodes { version } }
      stockTransactionByIdempotencyKey(idempotencyKey: $key) { transaction { version } }
    }`;
    expect((await shop.graphql(primaryOnly, { id: productId, key: productId })).body).toEqual({
      data: {
        oldest: { nodes: [{ version: 1 }, { version: 2 }] },
        stockTransactionByIdempotencyKey: { transaction: { version: 2 } },
      },
    });
    expect(await readsSince(rest)).toEqual({ answered: 0, behind: 0, away: 0 });
  });

  test("that is behind answers nobody: the primary does, the gateway stays ready, and the log and the metrics say so", async () => {
    const productId = newProduct();
    await pause();
    await receive(shop, productId);
    const before = await reads();
    expect(await shop.levels(productId)).toEqual({ available: 1, allocated: 0, version: 1 });
    expect(await readsSince(before)).toEqual({ answered: 0, behind: 1, away: 0 });
    expect(await isReady()).toBe(true);
    await logged("The replica is behind: reads go to the primary");
    await resume();
    await untilAnswered();
    await logged("The replica answers reads again");
  });

  test("is waited for as long as it takes to replay what has just been written", async () => {
    const before = await reads();
    for (let version = 1; (await readsSince(before)).answered < 25; version += 1) {
      await receive(shop, "waited-for");
      expect(await shop.levels("waited-for")).toMatchObject({ version });
    }
  });

  test("shows nobody less than was acknowledged before, though others write through another gateway while it lags and catches up", async () => {
    const [products, versions] = [["one", "two", "three"].map(newProduct), new Map<string, number>()];
    const written = new AbortController();
    const write = async (productId: string): Promise<void> => {
      for (let version = 1; version <= 40; version += 1) {
        await receive(otherShop, productId);
        versions.set(productId, version);
      }
    };
    const read = async (productId: string): Promise<void> => {
      while (!written.signal.aborted) {
        const acknowledged = versions.get(productId) ?? 0;
        expect((await shop.levels(productId))?.version ?? 0).toBeGreaterThanOrEqual(acknowledged);
      }
    };
    const lag = async (): Promise<void> => {
      while (!written.signal.aborted) {
        await pause();
        await resume();
        await untilAnswered();
      }
    };
    const writing = Promise.all(products.map(write)).finally(() => written.abort());
    await Promise.all([writing, lag(), ...products.map(read)]);
    expect(await Promise.all(products.map((productId) => shop.levels(productId)))).toEqual(
      products.map(() => ({ available: 40, allocated: 0, version: 40 })),
    );
  });

  test.each(["killed", "stopped without a word"])("that is %s is done without until it is back", async (how) => {
    const productId = newProduct();
    await receive(shop, productId);
    if (how === "killed") await replica.kill();
    else await replica.signal("SIGSTOP");
    const before = await reads();
    expect(await shop.levels(productId)).toMatchObject({ version: 1 });
    await receive(shop, productId);
    expect(await shop.levels(productId)).toMatchObject({ version: 2 });
    expect((await readsSince(before)).answered).toBe(0);
    expect((await readsSince(before)).away).toBe(2);
    expect(await isReady()).toBe(true);
    await logged("The replica is away: reads go to the primary");
    if (how === "killed") await replica.start();
    else await replica.signal("SIGCONT");
    await untilAnswered();
  });
});

describe("after a failover", () => {
  test("a replica that went on with the former primary answers nobody, however far it is; one that follows the new primary does", async () => {
    const successor = keep(await Postgres.standbyOf(primary));
    const follower = keep(await Postgres.standbyOf(successor));
    await successor.query("SELECT pg_promote()");
    // What the former primary still takes puts its replica ahead of the new one's log.
    await primary.query("SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))");
    const databaseUrl = successor.url(database);
    await withGateway({ databaseUrl, databaseReplicaUrl: replica.url(database) }, async (shop, reads) => {
      await receive(shop, "after-failover");
      expect(await shop.levels("after-failover")).toMatchObject({ version: 1 });
      expect(await reads()).toEqual({ answered: 0, behind: 1, away: 0 });
    });
    await withGateway({ databaseUrl, databaseReplicaUrl: follower.url(database) }, async (shop, reads) => {
      await successor.query("CHECKPOINT");
      await eventually(
        "an answer of the follower",
        async () => {
          // Of the checkpoint above, once it has come so far.
          await follower.query("CHECKPOINT");
          await receive(shop, "after-failover");
          const before = await shop.levels("after-failover");
          await receive(shop, "after-failover");
          expect((await shop.levels("after-failover"))?.version).toBe((before?.version ?? 0) + 1);
          return (await reads()).answered > 0;
        },
        60_000,
      );
    });
  });
});

describe("at the start", () => {
  const premises = new Premises();
  const place = (): DatabasePlace => ({ url: primary.url(database), setting: "DATABASE_URL" });

  afterAll(() => premises.clear());

  test("a replica that is none, is another system's or refuses the gateway is named", async () => {
    const refused = (message: string): ConfigError => new ConfigError(`DATABASE_REPLICA_URL: ${message}`);
    await expect(checkReplica(primary.url(database), place())).rejects.toEqual(
      refused("this PostgreSQL is no standby: it takes writes of its own"),
    );
    await expect(checkReplica(await premises.createDatabase(), place())).rejects.toEqual(
      refused("this PostgreSQL is no standby of the primary: it is of another system"),
    );
    await expect(checkReplica(replica.url(database).replace("postgres@", "nobody@"), place())).rejects.toEqual(
      refused('the database can\'t be reached: role "nobody" does not exist'),
    );
  });

  test("one that is away is told of, and nothing else", async () => {
    expect(await checkReplica(replica.url(database), place())).toBeNull();
    const port = await findFreePort();
    expect(await checkReplica(`postgresql://postgres@127.0.0.1:${port}/inventory`, place())).toBe(
      `DATABASE_REPLICA_URL: the database can't be reached: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  test("each of several workers is told of it, and its address can be a secret in a file", async () => {
    const dataDir = await premises.createFolder();
    const file = join(dataDir, "replica");
    await writeFile(file, replica.url(database));
    const [secret, metricsPort] = ["a-secret-of-this-test", await findFreePort()];
    const run = premises.start({
      DATA_DIR: dataDir,
      DATABASE_URL: primary.url(database),
      DATABASE_REPLICA_URL_FILE: file,
      METRICS_PORT: String(metricsPort),
      WORKERS: "2",
      ADMIN_CLIENT_ID: "admin",
      ADMIN_CLIENT_SECRET: secret,
    });
    const url = await run.serving();
    const shop = new Shop(url, (await requestToken(url, "admin", secret)).token);
    await eventually("an answer of the replica", async () => {
      await shop.levels("nothing");
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return /inventory_replica_reads_total\{outcome="answered"\} [1-9]/.test(text);
    });
    expect(await run.stop()).toBe(0);
  });
});
