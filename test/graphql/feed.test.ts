import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { ForeignGroup } from "../support/foreign-group.ts";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;
let clients: Client[] = [];

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => server.close());

beforeEach(() => {
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.end();
});

async function connect(connectionString = server.databaseUrl): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  clients.push(client);
  return client;
}

const beginGroup = (): Promise<ForeignGroup> => ForeignGroup.begin(server.databaseUrl);

const receive = (...productIds: string[]): Promise<unknown> =>
  server.data(
    `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { error { code } } }`,
    {
      lines: productIds.map((productId) => ({ productId, action: "INCREMENT", quantity: 1 })),
    },
  );

/** A program that follows the ledger. */
class Follower {
  readonly seen: string[] = [];
  #cursor: string | null = null;

  /** Goes to the end of what is there now. */
  static async atEnd(): Promise<Follower> {
    const follower = new Follower();
    const { stockTransactions } = await server.data(`{ stockTransactions { totalCount } }`);
    await follower.readUntil(stockTransactions.totalCount);
    follower.seen.length = 0;
    return follower;
  }

  /**
   * Until so many have been seen. Other files' groups run on the same server: one that ends in the very moment of a
   * reading puts off the newest to the next.
   */
  async readUntil(count: number): Promise<readonly string[]> {
    do await this.read();
    while (this.seen.length < count);
    return this.seen;
  }

  /** Whatever there is to be read now. */
  async read(): Promise<readonly string[]> {
    for (;;) {
      const { stockTransactions } = await server.data(
        `query ($after: String) { stockTransactions(orderBy: OLDEST_FIRST, first: 2, after: $after) { nodes { productId } pageInfo { endCursor hasNextPage } } }`,
        { after: this.#cursor },
      );
      this.seen.push(...stockTransactions.nodes.map(({ productId }: { productId: string }) => productId));
      this.#cursor = stockTransactions.pageInfo.endCursor ?? this.#cursor;
      if (!stockTransactions.pageInfo.hasNextPage) return this.seen;
    }
  }
}

const readLast = async (): Promise<string | undefined> =>
  (await server.data(`{ stockTransactions(orderBy: OLDEST_FIRST, last: 1) { nodes { productId } } }`)).stockTransactions
    .nodes[0]?.productId;

/** Read backwards the list ends in the same place, sooner or later: see {@link Follower.readUntil}. */
async function untilLast(productId: string): Promise<void> {
  while ((await readLast()) !== productId);
}

describe("OLDEST_FIRST over all products", () => {
  test("lists what is accepted at once while nothing else runs", async () => {
    const follower = await Follower.atEnd();
    const [one, two, three] = [newProduct(), newProduct(), newProduct()];
    await receive(one, two, three);
    expect(await follower.readUntil(3)).toEqual([one, two, three]);
    await untilLast(three);
  });

  test("waits for a group that took its positions first and commits last: a follower misses nothing", async () => {
    const follower = await Follower.atEnd();
    const [before, late, early] = [newProduct(), newProduct(), newProduct()];
    await receive(before);
    const group = await beginGroup();
    await group.write(late);
    await receive(early);
    expect(await follower.readUntil(1)).toEqual([before]);
    await untilLast(before);
    await group.end("COMMIT");
    expect(await follower.readUntil(3)).toEqual([before, late, early]);
    await untilLast(early);
  });

  test("waits also for a group that began later than the one that is read", async () => {
    const follower = await Follower.atEnd();
    const [first, second, late] = [newProduct(), newProduct(), newProduct()];
    await receive(first, second);
    await follower.readUntil(2);
    // The gateway's transaction has an id, holds the first stock and waits for the second.
    const holder = await connect();
    await holder.query("BEGIN");
    await holder.query("SELECT 1 FROM stock WHERE product_id = $1 FOR UPDATE", [second]);
    const received = receive(first, second);
    await untilOneWaits(holder);
    // Another one begins, so that its id is higher, and takes its positions before the gateway can.
    const group = await beginGroup();
    await holder.query("ROLLBACK");
    await received;
    follower.seen.length = 0;
    expect(await follower.read()).toEqual([]);
    await group.write(late);
    expect(await follower.read()).toEqual([]);
    await group.end("COMMIT");
    expect(await follower.readUntil(3)).toEqual([late, first, second]);
  });

  test("goes on past a group that was rolled back", async () => {
    const follower = await Follower.atEnd();
    const [lost, kept] = [newProduct(), newProduct()];
    const group = await beginGroup();
    await group.write(lost);
    await receive(kept);
    expect(await follower.read()).toEqual([]);
    await group.end("ROLLBACK");
    expect(await follower.readUntil(1)).toEqual([kept]);
  });

  test("shows what many write at once to a follower who reads all the time, once and in order, in whatever order it is committed", async () => {
    const follower = await Follower.atEnd();
    const expected: string[] = [];
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const places: string[] = [];
      const groups: ForeignGroup[] = [];
      for (const _ of order) {
        const group = await beginGroup();
        const [theirs, ours] = [newProduct(), newProduct()];
        await group.write(theirs);
        await receive(ours);
        groups.push(group);
        places.push(theirs, ours);
      }
      const [, rolledBack] = order;
      for (const index of order) {
        await groups[index]?.end(index === rolledBack ? "ROLLBACK" : "COMMIT");
        await follower.read();
      }
      expected.push(...places.filter((_, place) => place !== 2 * (rolledBack ?? 0)));
    }
    expect(await follower.readUntil(expected.length)).toEqual(expected);
  });

  test("does not wait for a transaction that began after what is listed", async () => {
    const follower = await Follower.atEnd();
    const productId = newProduct();
    await receive(productId);
    const other = await beginGroup();
    expect(await follower.readUntil(1)).toEqual([productId]);
    await other.end("ROLLBACK");
  });

  test("does not wait for transactions that are no group's, in this database or another", async () => {
    const follower = await Follower.atEnd();
    const productId = newProduct();
    const elsewhere = new URL(server.databaseUrl);
    elsewhere.pathname = "postgres";
    const others = [await connect(), await connect(elsewhere.href)];
    for (const other of others) {
      await other.query("BEGIN");
      await other.query("SELECT pg_current_xact_id()");
    }
    await receive(productId);
    expect(await follower.readUntil(1)).toEqual([productId]);
    await untilLast(productId);
    // Nor does a group that waits hide behind them.
    const [late, early] = [newProduct(), newProduct()];
    const group = await beginGroup();
    await group.write(late);
    await receive(early);
    expect(await follower.readUntil(1)).toEqual([productId]);
    await untilLast(productId);
    await group.end("COMMIT");
    expect(await follower.readUntil(3)).toEqual([productId, late, early]);
    for (const other of others) await other.query("ROLLBACK");
  });

  test("a product's own history and NEWEST_FIRST show at once what is accepted", async () => {
    const group = await beginGroup();
    const productId = newProduct();
    await receive(productId);
    const { stock, stockTransactions } = await server.data(
      `query ($id: ID!) { stock(productId: $id) { transactions(orderBy: OLDEST_FIRST) { nodes { version } } } stockTransactions(first: 1) { nodes { productId } } }`,
      { id: productId },
    );
    expect(stock.transactions.nodes).toEqual([{ version: 1 }]);
    expect(stockTransactions.nodes).toEqual([{ productId }]);
    await group.end("ROLLBACK");
  });
});

/** Until some session waits for a lock that this one holds. */
async function untilOneWaits(holder: Client): Promise<void> {
  for (;;) {
    const { rows } = await holder.query(
      "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))",
    );
    if (rows[0].waiting > 0) return;
  }
}
