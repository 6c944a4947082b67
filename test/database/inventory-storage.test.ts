import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { ServiceUnavailableError, StockError } from "../../src/inventory/errors.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import type { GroupCommitOptions } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import type { RawStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

let database: TestDatabase;
let admin: pg.Client;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  admin = await connect();
});

afterAll(async () => {
  for (const close of closers.toReversed()) await close();
  await database.drop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  closers.push(() => client.end());
  return client;
}

/** An inventory as one gateway has it: a pool and lanes of its own. */
function createInventory(
  options: Partial<GroupCommitOptions> = {},
  url = database.url,
): { inventory: Inventory; groupCommit: GroupCommit } {
  const prisma = createPrisma(url, { poolSize: 2, name: "settlement test", preparesStatements: true });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma), options);
  closers.push(async () => {
    await groupCommit.close();
    await prisma.$disconnect();
  });
  return { inventory: new Inventory(groupCommit), groupCommit };
}

function input(raw: RawStockTransactionInput): ReturnType<typeof parseStockTransactionInput> {
  return parseStockTransactionInput(raw);
}

/** What the database holds of one product. */
async function read(productId: string): Promise<{ stock: unknown; ledger: unknown[] }> {
  const stock = await admin.query("SELECT available, allocated, version, tracked FROM stock WHERE product_id = $1", [
    productId,
  ]);
  const ledger = await admin.query(
    "SELECT version, action, quantity, available_after, allocated_after FROM stock_transaction WHERE product_id = $1 ORDER BY version",
    [productId],
  );
  return { stock: stock.rows[0] ?? null, ledger: ledger.rows };
}

/** Resolves as soon as a session of the test's inventories waits for a lock. */
async function someoneWaitsForALock(): Promise<void> {
  for (;;) {
    const { rows } = await admin.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'settlement test' AND wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
  }
}

describe("a group", () => {
  test("settles one product many times, in the order of arrival, in one database transaction", async () => {
    const { inventory } = createInventory();
    const opening = inventory.createStockTransaction(
      "a",
      input({ productId: "many", action: "INCREMENT", quantity: 5 }),
    );
    const rest = Array.from({ length: 20 }, (_, index) =>
      inventory
        .createStockTransaction(
          "a",
          input({ productId: "many", action: index % 2 === 0 ? "ALLOCATE" : "DEALLOCATE", quantity: 3 }),
        )
        .then(({ transaction }) => transaction.version),
    );
    expect((await opening).transaction.version).toBe(1);
    expect(await Promise.all(rest)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
    const { rows } = await admin.query(
      "SELECT count(*)::int AS written, count(DISTINCT position / 10000)::int AS groups FROM stock_transaction WHERE product_id = 'many'",
    );
    expect(rows).toEqual([{ written: 21, groups: 2 }]);
  });

  test("carries all clients that ask one thing after another, instead of one half and then the other", async () => {
    const { inventory } = createInventory();
    const clients = 8;
    const rounds = 40;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let round = 0; round < rounds; round += 1)
          await inventory.createStockTransaction(
            "a",
            input({ productId: "in turn", action: "INCREMENT", quantity: 1 }),
          );
      }),
    );
    const { rows } = await admin.query<{ groups: number }>(
      "SELECT count(DISTINCT position / 10000)::int AS groups FROM stock_transaction WHERE product_id = 'in turn'",
    );
    // In halves, or one and then the others, it would be twice as many as there are rounds.
    expect(rows[0]?.groups).toBeLessThan(1.5 * rounds);
  });

  test("creates and uses a product, and answers its one key twice", async () => {
    const { inventory } = createInventory();
    const hold = inventory.createStockTransaction(
      "a",
      input({ productId: "warm-up", action: "INCREMENT", quantity: 1 }),
    );
    const create = inventory.createStockTransaction("a", input({ productId: "new", action: "CREATE", quantity: 7 }));
    const decrement = { productId: "new", action: "DECREMENT", quantity: 2, idempotencyKey: "twice" };
    const first = inventory.createStockTransaction("a", input(decrement));
    const second = inventory.createStockTransaction("a", input(decrement));
    await Promise.all([hold, create]);
    expect(await second).toEqual({ ...(await first), replayed: true });
    expect(await read("new")).toEqual({
      stock: { available: 5, allocated: 0, version: 2, tracked: true },
      ledger: [
        { version: 1, action: "CREATE", quantity: 7, available_after: 7, allocated_after: 0 },
        { version: 2, action: "DECREMENT", quantity: 2, available_after: 5, allocated_after: 0 },
      ],
    });
  });

  test("goes on with the version after a deletion, and records what the deletion took away", async () => {
    const { inventory } = createInventory();
    await inventory.createStockTransaction("a", input({ productId: "again", action: "CREATE", quantity: 9 }));
    expect(await inventory.deleteStock("a", "again", 1)).toMatchObject({
      productId: "again",
      available: 9,
      allocated: 0,
      version: 1,
    });
    expect((await read("again")).stock).toEqual({ available: 0, allocated: 0, version: 1, tracked: false });
    const { transaction } = await inventory.createStockTransaction(
      "a",
      input({ productId: "again", action: "INCREMENT", quantity: 2 }),
    );
    expect(transaction).toMatchObject({ version: 2, availableAfter: 2, allocatedAfter: 0 });
    const { rows } = await admin.query(
      "SELECT version, available, actor FROM stock_deletion WHERE product_id = 'again'",
    );
    expect(rows).toEqual([{ version: 1, available: 9, actor: "a" }]);
  });
});

describe("several gateways", () => {
  test("refuse only on what they read under the lock: a receipt that is just being committed counts", async () => {
    const { inventory } = createInventory();
    await inventory.createStockTransaction("a", input({ productId: "receipt", action: "INCREMENT", quantity: 1 }));
    const outside = await connect();
    await outside.query("BEGIN");
    await outside.query("UPDATE stock SET available = 10, version = 2 WHERE product_id = 'receipt'");
    const allocation = inventory.createStockTransaction(
      "a",
      input({ productId: "receipt", action: "ALLOCATE", quantity: 5 }),
    );
    await someoneWaitsForALock();
    await outside.query("COMMIT");
    expect((await allocation).transaction).toMatchObject({ version: 3, availableAfter: 5, allocatedAfter: 5 });
  });

  test("start tracking the same new product at once, and every unit counts (F18)", async () => {
    const gateways = [createInventory(), createInventory(), createInventory()];
    const increment = input({ productId: "first", action: "INCREMENT", quantity: 1 });
    await Promise.all(
      gateways.flatMap(({ inventory }) =>
        Array.from({ length: 20 }, () => inventory.createStockTransaction("a", increment)),
      ),
    );
    const { stock, ledger } = await read("first");
    expect(stock).toEqual({ available: 60, allocated: 0, version: 60, tracked: true });
    expect(ledger).toHaveLength(60);
  });

  test("spend one key on two products at once: one of them gets it", async () => {
    const left = createInventory().inventory;
    const right = createInventory().inventory;
    for (let round = 0; round < 20; round += 1) {
      const increment = { action: "INCREMENT", quantity: 1, idempotencyKey: `race ${round}` };
      const answers = await Promise.allSettled([
        left.createStockTransaction("a", input({ productId: "left", ...increment })),
        right.createStockTransaction("a", input({ productId: "right", ...increment })),
      ]);
      const refused = answers.filter((answer) => answer.status === "rejected");
      expect(refused).toHaveLength(1);
      expect(refused[0]?.reason).toBeInstanceOf(StockError);
      expect(refused[0]?.reason.refusal.code).toBe("IDEMPOTENCY_KEY_REUSED");
    }
  });
});

describe("a fault of the database", () => {
  test.each(["40P01", "40001"])("%s in mid-group is tried again and applied once (F08)", async (sqlState) => {
    const { inventory } = createInventory();
    const productId = `fault ${sqlState}`;
    await admin.query(`CREATE SEQUENCE "attempts of ${sqlState}"`);
    await admin.query(`
      CREATE FUNCTION "fail ${sqlState}"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('"attempts of ${sqlState}"') <= 3 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '${sqlState}'; END IF;
        RETURN NEW;
      END $$`);
    await admin.query(`
      CREATE TRIGGER "fail ${sqlState}" BEFORE INSERT ON stock_transaction FOR EACH ROW
      WHEN (NEW.product_id = '${productId}') EXECUTE FUNCTION "fail ${sqlState}"()`);
    const { transaction } = await inventory.createStockTransaction(
      "a",
      input({ productId, action: "INCREMENT", quantity: 4 }),
    );
    expect(transaction).toMatchObject({ version: 1, availableAfter: 4 });
    expect((await read(productId)).ledger).toHaveLength(1);
    const { rows } = await admin.query(`SELECT last_value::int AS attempts FROM "attempts of ${sqlState}"`);
    expect(rows).toEqual([{ attempts: 4 }]);
  });

  test("40001 as the answer to COMMIT is tried again and applied once (F08)", async () => {
    const { inventory } = createInventory();
    await admin.query(`CREATE SEQUENCE "late attempts"`);
    await admin.query(`
      CREATE FUNCTION "fail late"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('"late attempts"') <= 2 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF;
        RETURN NEW;
      END $$`);
    await admin.query(`
      CREATE CONSTRAINT TRIGGER "fail late" AFTER INSERT ON stock_transaction DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN (NEW.product_id = 'late') EXECUTE FUNCTION "fail late"()`);
    const { transaction } = await inventory.createStockTransaction(
      "a",
      input({ productId: "late", action: "INCREMENT", quantity: 4 }),
    );
    expect(transaction).toMatchObject({ version: 1, availableAfter: 4 });
    expect((await read("late")).ledger).toHaveLength(1);
  });

  test("a real deadlock with an outside transaction is tried again and applied once (F08)", async () => {
    // Before the gateway gives up the wait by itself.
    const name = new URL(database.url).pathname.slice(1);
    await admin.query(`ALTER DATABASE "${name}" SET deadlock_timeout = '400ms'`);
    const { inventory } = createInventory();
    const outside = await connect();
    // The outside session gives up last: the gateway's is the one that PostgreSQL cancels.
    await outside.query("SET deadlock_timeout = '10s'");
    const countDeadlocks = async (): Promise<unknown> =>
      (await admin.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).rows[0];
    const before = await countDeadlocks();
    // Whoever is late to the lock, or to the count of deadlocks, sees it in another round.
    let round = 0;
    do {
      round += 1;
      const productIds = ["a", "b"].map((letter) => `deadlock ${round} ${letter}`);
      for (const productId of productIds)
        await inventory.createStockTransaction("a", input({ productId, action: "INCREMENT", quantity: 10 }));
      await outside.query("BEGIN");
      await outside.query("SELECT 1 FROM stock WHERE product_id = $1 FOR UPDATE", [productIds[1]]);
      const lines = productIds.map((productId) => input({ productId, action: "ALLOCATE", quantity: 1 }));
      const batch = inventory.createStockTransactions("a", lines, "ALL_OR_NOTHING");
      await someoneWaitsForALock();
      await outside.query("SELECT 1 FROM stock WHERE product_id = $1 FOR UPDATE", [productIds[0]]);
      await outside.query("COMMIT");
      expect((await batch).map(({ kind }) => kind)).toEqual(["applied", "applied"]);
      for (const productId of productIds)
        expect((await read(productId)).stock).toEqual({ available: 9, allocated: 1, version: 2, tracked: true });
    } while (isDeepStrictEqual(await countDeadlocks(), before));
    await admin.query(`ALTER DATABASE "${name}" RESET deadlock_timeout`);
  });

  test("a batch that the database can't take is refused alone; its neighbours in the group are applied", async () => {
    const { inventory } = createInventory();
    await admin.query(`
      CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '23514'; END $$`);
    await admin.query(`
      CREATE TRIGGER poison BEFORE INSERT ON stock_transaction FOR EACH ROW
      WHEN (NEW.product_id = 'poisoned') EXECUTE FUNCTION poison()`);
    const answers = await Promise.allSettled(
      ["sound 0", "sound 1", "poisoned", "sound 2", "sound 3"].map((productId) =>
        inventory.createStockTransaction("a", input({ productId, action: "INCREMENT", quantity: 1 })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(await read("poisoned")).toEqual({ stock: null, ledger: [] });
    expect((await read("sound 3")).ledger).toHaveLength(1);
  });
});

describe("a lost answer to COMMIT", () => {
  test.each([
    ["a new product", "with that to the write before it", false, "dropAnswerTo"],
    ["a tracked product", "with that to the write before it", true, "dropAnswerTo"],
    ["a new product", "alone", false, "dropAnswer"],
    ["a tracked product", "alone", true, "dropAnswer"],
  ] as const)(
    "on %s, %s, is looked up and answered truly, and nothing is applied twice (F24)",
    async (_name, _which, tracked, drop) => {
      const target = new URL(database.url);
      const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
      closers.push(() => proxy.close());
      const through = new URL(database.url);
      through.port = String(proxy.port);
      const { inventory } = createInventory({}, through.href);
      const productId = `lost ${String(tracked)} ${drop}`;
      if (tracked) await inventory.createStockTransaction("a", input({ productId, action: "INCREMENT", quantity: 10 }));
      const before = tracked ? 1 : 0;

      const cut = proxy[drop]("COMMIT");
      const { transaction, replayed } = await inventory.createStockTransaction(
        "a",
        input({ productId, action: "INCREMENT", quantity: 3 }),
      );
      await cut;
      expect(replayed).toBe(false);
      expect(transaction).toMatchObject({ version: before + 1, availableAfter: before * 10 + 3 });
      expect((await read(productId)).ledger).toHaveLength(before + 1);

      const keyed = input({ productId, action: "ALLOCATE", quantity: 99, idempotencyKey: productId });
      const cutAgain = proxy[drop]("COMMIT");
      const refused = inventory.createStockTransaction("a", keyed);
      await expect(refused).rejects.toMatchObject({
        name: "StockError",
        replayed: false,
        refusal: { code: "INSUFFICIENT_STOCK" },
      });
      await cutAgain;
      await expect(inventory.createStockTransaction("a", keyed)).rejects.toMatchObject({
        name: "StockError",
        replayed: true,
      });

      const cutOnceMore = proxy[drop]("COMMIT");
      expect(await inventory.deleteStock("a", productId)).toMatchObject({
        available: before * 10 + 3,
        version: before + 1,
      });
      await cutOnceMore;
      await expect(inventory.deleteStock("a", productId)).rejects.toMatchObject({
        refusal: { code: "STOCK_NOT_FOUND" },
      });
    },
  );
});

describe("a database that does not answer", () => {
  test("turns requests away as not applied when their time is up, and the queue's overflow at once (F21)", async () => {
    const { inventory, groupCommit } = createInventory({ deadlineMs: 3_000, queueCommandsMax: 3 });
    await inventory.createStockTransaction("a", input({ productId: "stalled", action: "INCREMENT", quantity: 10 }));
    const outside = await connect();
    await outside.query("BEGIN");
    await outside.query("SELECT 1 FROM stock WHERE product_id = 'stalled' FOR UPDATE");
    const allocate = input({ productId: "stalled", action: "ALLOCATE", quantity: 1 });
    const inFlight = inventory.createStockTransaction("a", allocate);
    await someoneWaitsForALock();
    const waiting = Array.from({ length: 3 }, () => inventory.createStockTransaction("a", allocate));
    const overflow = inventory.createStockTransaction("a", allocate);

    await expect(overflow).rejects.toMatchObject({
      message: "Too many stock transactions are waiting",
      outcome: "not applied",
    });
    for (const answer of await Promise.allSettled([inFlight, ...waiting])) {
      expect(answer).toMatchObject({ status: "rejected", reason: { outcome: "not applied", retryAfterSeconds: 1 } });
      expect(answer.status === "rejected" && answer.reason).toBeInstanceOf(ServiceUnavailableError);
    }
    await outside.query("ROLLBACK");
    await inventory.createStockTransaction("a", allocate);
    expect((await read("stalled")).stock).toEqual({ available: 9, allocated: 1, version: 2, tracked: true });

    const last = inventory.createStockTransaction("a", allocate);
    const closing = groupCommit.close();
    await expect(inventory.createStockTransaction("a", allocate)).rejects.toMatchObject({
      message: "The gateway is stopping",
    });
    expect((await last).transaction.version).toBe(3);
    await closing;
  });
});
