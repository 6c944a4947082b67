import { setTimeout as wait } from "node:timers/promises";
import type { Client } from "pg";
import { eventually } from "../daemons.ts";
import { embedded } from "../world/embedded-database.ts";
import type { World } from "../world/world.ts";
import { tells, untilTold } from "./database-errors.ts";
import type { Fault, Scene } from "./fault.ts";
import { repeated, untilStruck, usualHold } from "./holds.ts";

/** In whatever order: a gateway locks in the order of the ids. */
const deadlocks: Fault = {
  name: "deadlocks",
  description: "somebody else locks the hot products in the wrong order, again and again",
  needs: embedded,
  holdMs: usualHold,
  begin: untilTold(["deadlockDetected"], async (scene) => {
    // Sooner than the gateway's own bound on most of its locks: usually that one comes first, and nobody hears of a deadlock.
    await setForDatabase(scene.world, "deadlock_timeout", "100ms");
    const end = await repeated(lockBackwards, { min: 5, max: 50 })(scene);
    return async () => {
      await end();
      await setForDatabase(scene.world, "deadlock_timeout", null);
    };
  }),
};

async function lockBackwards({ world, load }: Scene): Promise<void> {
  const session = await world.openSession();
  try {
    await session.query("BEGIN");
    // It gives up last, so that it is the gateways' transactions that PostgreSQL cancels.
    await session.query("SET LOCAL deadlock_timeout = '5s'");
    for (const productId of load.assortment.hot.toReversed()) await lock(session, productId);
    await session.query("COMMIT");
  } finally {
    await session.end();
  }
}

/** The gateways' sessions become serializable, which somebody may have set for the whole database. */
const serializationFailures: Fault = {
  name: "serialization-failures",
  description: "all sessions are serializable, and somebody else changes the hot products in between",
  needs: embedded,
  holdMs: usualHold,
  begin: untilTold(["serializationFailure"], async (scene) => {
    await setForDatabase(scene.world, "default_transaction_isolation", "serializable");
    const end = await repeated(
      async ({ world, load, random }: Scene) => {
        // It changes nothing but the row's version, which is enough.
        await world
          .query("UPDATE stock SET updated_at = updated_at WHERE product_id = $1", [random.pick(load.assortment.hot)])
          .catch(() => undefined);
      },
      { min: 5, max: 40 },
    )(scene);
    return async () => {
      await end();
      await setForDatabase(scene.world, "default_transaction_isolation", null);
    };
  }),
};

const rowLock: Fault = {
  name: "row-lock",
  description: "somebody else holds the lock of a hot product: the others have to go on",
  needs: embedded,
  holdMs: { short: 2_000, long: 30_000 },
  begin: untilTold(["lockNotAvailable"], async ({ world, load, random, findings }) => {
    const held = random.pick(load.assortment.hot);
    const session = await world.openSession();
    await session.query("BEGIN");
    await lock(session, held);
    const free = load.assortment.hot.filter((productId) => productId !== held);
    const before = await versionsOf(world, free);
    return async () => {
      const after = await versionsOf(world, free);
      if (after <= before)
        findings.add("outOfBounds", `Nothing happened to ${free.join(", ")} while ${held} was locked`);
      await session.query("ROLLBACK");
      await session.end();
    };
  }),
};

/** Whoever comes then hears "too many clients". */
const slotsUsedUp: Fault = {
  name: "slots-used-up",
  description: "somebody else takes every connection slot, and the gateways' sessions are ended",
  needs: embedded,
  holdMs: usualHold,
  begin: untilTold(["tooManyConnections"], async (scene) => {
    const { world } = scene;
    const sessions: Client[] = [];
    let isFull = false;
    const ending = new AbortController();
    // The harness's own session has to end them: it was there before.
    const own = await world.openSession();
    const fill = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        const session = await world.openSession().catch(() => null);
        if (session !== null) sessions.push(session);
        isFull ||= session === null;
        if (session === null) await wait(10);
      }
    };
    // One alone would be slower than the gateways, which come back at once.
    const filling = Promise.all(Array.from({ length: 8 }, fill));
    await eventually("every connection slot taken", async () => isFull, 20_000);
    const stopEnding = await repeated(() => endGatewaySessions(own), { min: 50, max: 300 })(scene);
    return async () => {
      await stopEnding();
      ending.abort();
      await filling;
      await Promise.all(sessions.map((session) => session.end().catch(() => undefined)));
      await own.end();
    };
  }),
};

const tableLock: Fault = {
  name: "table-lock",
  description: "somebody else locks a whole table: locks and statements time out",
  needs: embedded,
  holdMs: { short: 1_500, long: 7_000 },
  begin: untilTold(["lockNotAvailable", "queryCanceled"], async ({ world, random }) => {
    const session = await world.openSession();
    await session.query("BEGIN");
    await session.query(
      `LOCK TABLE ${random.pick(["stock", "stock_transaction", "spent_key"])} IN ACCESS EXCLUSIVE MODE`,
    );
    return async () => {
      await session.query("ROLLBACK");
      await session.end();
    };
  }),
};

/** Longer than a statement of the gateway's may take. */
const slowStatements: Fault = {
  name: "statement-timeout",
  description: "some statements take longer than they may",
  needs: embedded,
  holdMs: { short: 1_000, long: 15_000 },
  begin: untilTold(["queryCanceled"], async ({ world }) => {
    // The first one, and then one in five.
    await world.query("CREATE SEQUENCE torture_turn");
    await world.query(`
      CREATE FUNCTION torture_dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('torture_turn') % 5 = 1 THEN PERFORM pg_sleep(5); END IF;
        RETURN NULL;
      END $$`);
    await world.query(
      "CREATE TRIGGER torture_dawdle AFTER INSERT ON stock_transaction FOR EACH STATEMENT EXECUTE FUNCTION torture_dawdle()",
    );
    return async () => {
      // Whoever dawdles holds a lock that the drop has to wait for.
      await world.query("DROP TRIGGER torture_dawdle ON stock_transaction");
      await world.query("DROP FUNCTION torture_dawdle");
      await world.query("DROP SEQUENCE torture_turn");
    };
  }),
};

/** Nothing of what a gateway asks arrives, so that its transactions stand idle until PostgreSQL ends them. */
const idleInTransaction: Fault = {
  name: "idle-in-transaction",
  description: "one gateway's transactions stand still until PostgreSQL ends them",
  needs: embedded,
  holdMs: { short: 1_000, long: 8_000 },
  begin: untilStruck(async ({ world, random, findings }) => {
    const { databaseProxy } = random.pick(world.stations);
    const isAsleep = new WeakSet<object>();
    databaseProxy.behave(({ link, direction, bytes }) => {
      // A transaction that has begun.
      if (direction === "request" && bytes.includes("BEGIN")) isAsleep.add(link);
      else if (direction === "request" && isAsleep.has(link)) {
        link.hasLostBytes = true;
        return;
      }
      if (direction === "answer" && tells(bytes, "idleInTransactionTimeout")) findings.strike();
      link.forward(direction, bytes);
    });
    return async () => databaseProxy.heal();
  }),
};

async function lock(session: Client, productId: string): Promise<void> {
  await session.query("SELECT FROM stock WHERE product_id = $1 FOR UPDATE", [productId]);
}

async function versionsOf(world: World, productIds: readonly string[]): Promise<number> {
  const rows = await world.query<{ sum: number | null }>(
    "SELECT sum(version)::int AS sum FROM stock WHERE product_id = ANY($1)",
    [productIds],
  );
  return rows[0]?.sum ?? 0;
}

/** For the sessions to come: those that are there are ended. */
async function setForDatabase(world: World, name: string, value: string | null): Promise<void> {
  const [row] = await world.query<{ database: string }>("SELECT current_database() AS database");
  const change = value === null ? `RESET ${name}` : `SET ${name} = '${value}'`;
  await world.query(`ALTER DATABASE ${row?.database} ${change}`);
  const session = await world.openSession();
  await endGatewaySessions(session);
  await session.end();
}

async function endGatewaySessions(session: Client): Promise<void> {
  await session.query(`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'inventory-gateway%'`);
}

/** What somebody else's sessions do. */
export const sessionFaults: readonly Fault[] = [
  deadlocks,
  serializationFailures,
  rowLock,
  slotsUsedUp,
  tableLock,
  slowStatements,
  idleInTransaction,
];
