import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { Client } from "pg";
import { pino } from "pino";
import { PostgresChangeSignal } from "../../src/database/change-signal.ts";
import { PrismaLedger } from "../../src/database/ledger.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { InvalidInputError } from "../../src/inventory/errors.ts";
import { Feed } from "../../src/inventory/feed.ts";
import type { LedgerAdvance, LedgerEntry } from "../../src/inventory/ledger.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

/** The real one, whose next readings can be made to fail. */
class FaultyLedger extends PrismaLedger {
  readonly fault = new TypeError("A fault");
  /** Given each reading that is to fail, when it has begun: it fails when the promise is resolved. */
  meet: (() => Promise<void>) | null = null;

  override async readAfter(position: bigint): Promise<LedgerAdvance> {
    const { meet } = this;
    if (meet === null) return super.readAfter(position);
    await meet();
    throw this.fault;
  }
}

/** The real one, and how many listen to it. */
class CountedSignal extends PostgresChangeSignal {
  listeners = 0;

  override onChange(listener: () => void): () => void {
    this.listeners += 1;
    const detach = super.onChange(listener);
    return () => {
      this.listeners -= 1;
      detach();
    };
  }
}

let database: TestDatabase;
let prisma: ReturnType<typeof createPrisma>;
let ledger: FaultyLedger;
let signal: CountedSignal;
let feed: Feed;
let ends: AbortController[];

beforeAll(async () => {
  database = await createDatabase();
  prisma = createPrisma(database.url, { name: "test", poolSize: 2, preparesStatements: true });
});

afterAll(async () => {
  await prisma.$disconnect();
  await database.drop();
});

beforeEach(() => {
  ends = [];
  ledger = new FaultyLedger(prisma);
  signal = new CountedSignal(database.url, pino({ level: "silent" }));
  feed = new Feed(ledger, signal, { watchersMax: 1, watchersPerClientMax: 1 });
});

afterEach(async () => {
  for (const end of ends) end.abort(null);
  await signal.close();
});

function watch(end = new AbortController()): Promise<AsyncIterableIterator<LedgerEntry>> {
  ends.push(end);
  return feed.watch({ clientId: "client", productIds: null, after: null, signal: end.signal });
}

test("a fault of the reader ends the watches, leaves nothing behind, and the next watch has a reader of its own", async () => {
  ledger.meet = async () => undefined;
  const watcher = await watch();
  await expect(watcher.next()).rejects.toBe(ledger.fault);
  expect(signal.listeners).toBe(0);
  ledger.meet = null;
  await watch();
  expect(signal.listeners).toBe(1);
});

test("a fault that a reader meets when nobody needs it any more harms nobody who has come since", async () => {
  const gate = new EventTarget();
  const failing = new Promise<void>((begun) => {
    ledger.meet = async () => {
      begun();
      await once(gate, "open");
    };
  });
  const first = await watch();
  await failing;
  ledger.meet = null;
  await first.return?.();
  const end = new AbortController();
  const second = await watch(end);
  gate.dispatchEvent(new Event("open"));
  // Long enough for it to be told: the end comes after a reading of the ledger.
  await ledger.readNewest();
  end.abort(null);
  expect(await second.next()).toEqual({ done: true, value: undefined });
  expect(signal.listeners).toBe(0);
});

test("a watch that is given up before it has begun ends without a word, and its place is free", async () => {
  const end = new AbortController();
  const beginning = watch(end);
  end.abort(null);
  expect(await (await beginning).next()).toEqual({ done: true, value: undefined });
  await watch();
});

/** As the gateways do it: the row is younger than its position. */
const receive = (version: number): string => `
  BEGIN;
  SAVEPOINT written;
  INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
  VALUES ('a', ${version}, gen_random_uuid(), 'INCREMENT', 1, ${version}, 0, 'client', now(), ${version});
  COMMIT`;

test("a watch ends when the ledger is put back to an earlier state: what comes in place of the told would be missed", async () => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(receive(1));
  const watcher = await watch();
  await client.query(receive(2));
  expect(await watcher.next()).toMatchObject({ done: false, value: { position: 2n } });
  await client.query("DELETE FROM stock_transaction WHERE position = 2");
  await expect(watcher.next()).rejects.toThrow(
    new InvalidInputError("after", "after is a cursor that this ledger has not reached"),
  );
  await client.end();
});
