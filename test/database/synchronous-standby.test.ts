import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { Client } from "pg";
import { PrismaInventoryQueries } from "../../src/database/inventory-queries.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { PrismaLedger } from "../../src/database/ledger.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { embeddedUrlOf, Premises } from "../start/support.ts";

/** Well past the five seconds after which nobody waits for COMMIT's answer any more, so that a second try is made. */
const deadlineMs = 8_000;

const premises = new Premises();
let databaseUrl: string;
let admin: Client;
let inventory: Inventory;
let queries: PrismaInventoryQueries;
let ledger: PrismaLedger;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // Settings of a whole server are changed: not of the one that all tests share.
  const dataDir = await premises.createFolder();
  await premises.start({ DATA_DIR: dataDir, LOG_LEVEL: "error" }).serving();
  databaseUrl = await embeddedUrlOf(dataDir);
  admin = await connect();
  // The test's own changes wait for no standby.
  await admin.query("SET synchronous_commit = local");
  inventory = createInventory(deadlineMs);
  const reading = createPrisma(databaseUrl, { poolSize: 2, name: "standby test reads", preparesStatements: false });
  queries = new PrismaInventoryQueries(reading);
  ledger = new PrismaLedger(reading);
  closers.push(() => reading.$disconnect());
});

beforeEach(returnOfTheStandby);

afterAll(async () => {
  await returnOfTheStandby();
  for (const close of closers.toReversed()) await close();
  await premises.clear();
});

function createInventory(batchDeadlineMs: number): Inventory {
  const prisma = createPrisma(databaseUrl, { poolSize: 2, name: "standby test", preparesStatements: true });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma), { deadlineMs: batchDeadlineMs });
  closers.push(async () => {
    await groupCommit.close();
    await prisma.$disconnect();
  });
  return new Inventory(groupCommit);
}

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  closers.push(() => client.end());
  return client;
}

/** Commits have to be on a standby from now on, and there is none. Resolves when the first one waits. */
async function lossOfTheStandby(): Promise<void> {
  await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'away'");
  await admin.query("SELECT pg_reload_conf()");
  const probe = await connect();
  let waits = false;
  while (!waits) {
    const answered = probe.query("SELECT pg_logical_emit_message(true, 'probe', '')").then(() => "answered");
    waits = (await Promise.race([answered, waiters(1, "").then(() => "waits")])) === "waits";
  }
}

/** Commits are acknowledged again, those that wait as well. */
async function returnOfTheStandby(): Promise<void> {
  await admin.query("ALTER SYSTEM RESET synchronous_standby_names");
  await admin.query("SELECT pg_reload_conf()");
  while ((await sessionsThat("wait_event = 'SyncRep'")).length > 0);
}

async function sessionsThat(condition: string): Promise<number[]> {
  const { rows } = await admin.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE ${condition}`);
  return rows.map(({ pid }) => pid);
}

/** Resolves as soon as so many sessions of that name wait for a standby. @returns their processes */
async function waiters(count: number, name = "standby test"): Promise<number[]> {
  for (;;) {
    const pids = await sessionsThat(`wait_event = 'SyncRep' AND application_name = '${name}'`);
    if (pids.length >= count) return pids;
  }
}

/** Resolves as soon as a second try waits for what the first has locked. */
async function aSecondTry(): Promise<void> {
  while ((await sessionsThat("wait_event_type = 'Lock' AND application_name = 'standby test'")).length === 0);
}

function take(productId: string, quantity: number): ReturnType<Inventory["createStockTransaction"]> {
  const raw = { productId, action: "DECREMENT", quantity, idempotencyKey: `${productId}-taken` };
  return inventory.createStockTransaction("a", parseStockTransactionInput(raw));
}

async function receive(productId: string, quantity: number, by = inventory): Promise<void> {
  await by.createStockTransaction("a", parseStockTransactionInput({ productId, action: "INCREMENT", quantity }));
}

/** The versions that others see. */
async function versionsOf(productId: string): Promise<number[]> {
  const { rows } = await admin.query<{ version: number }>(
    "SELECT version FROM stock_transaction WHERE product_id = $1 ORDER BY version",
    [productId],
  );
  return rows.map(({ version }) => version);
}

const unknown = expect.objectContaining({ name: "ServiceUnavailableError", outcome: "unknown" });

test("a COMMIT that waits for a standby is acknowledged to nobody and seen by nobody, and done once when the standby is back", async () => {
  await receive("waits", 10);
  await lossOfTheStandby();
  const taken = take("waits", 3).catch((error: unknown) => error);
  await waiters(1);
  await aSecondTry();
  expect(await taken).toEqual(unknown);
  expect(await versionsOf("waits")).toEqual([1]);
  await returnOfTheStandby();
  const again = await take("waits", 3);
  expect([again.replayed, again.transaction.version, again.transaction.availableAfter]).toEqual([true, 2, 7]);
  expect(await versionsOf("waits")).toEqual([1, 2]);
});

test("a COMMIT whose wait for a standby is cancelled is acknowledged to nobody, by its key neither, until the standby has it", async () => {
  await receive("cancelled", 10);
  await lossOfTheStandby();
  const taken = take("cancelled", 3).catch((error: unknown) => error);
  const [pid] = await waiters(1);
  await admin.query("SELECT pg_cancel_backend($1)", [pid]);
  // It is committed, on this server alone.
  while ((await versionsOf("cancelled")).length === 1);
  expect(await taken).toEqual(unknown);
  // The next try found it, and waits in its turn: without a row to hold, nothing else keeps those who ask from an answer.
  for (const waiter of await waiters(1)) await admin.query("SELECT pg_terminate_backend($1)", [waiter]);
  const asked = queries.findOutcome("a", "cancelled-taken").catch((error: unknown) => error);
  const sentAgain = take("cancelled", 3).catch((error: unknown) => error);
  expect(await asked).toMatchObject({ name: "ServiceUnavailableError" });
  expect(await sentAgain).toEqual(unknown);
  await returnOfTheStandby();
  expect(await queries.findOutcome("a", "cancelled-taken")).toMatchObject({ kind: "applied", replayed: true });
  expect((await take("cancelled", 3)).replayed).toBe(true);
  expect(await versionsOf("cancelled")).toEqual([1, 2]);
});

test("a stock transaction whose wait for a standby is cancelled is told to no follower of the ledger until the standby has it", async () => {
  await receive("followed", 10);
  const [newest] = (await ledger.readNewest())?.entries.slice(-1) ?? [];
  const position = newest?.position ?? 0n;
  await lossOfTheStandby();
  const taken = take("followed", 3).catch((error: unknown) => error);
  const [pid] = await waiters(1);
  await admin.query("SELECT pg_cancel_backend($1)", [pid]);
  while ((await versionsOf("followed")).length === 1);
  const away = { name: "ServiceUnavailableError" };
  const [readOn, begun] = [ledger.readAfter(position), ledger.readNewest()];
  await expect(readOn).rejects.toMatchObject(away);
  await expect(begun).rejects.toMatchObject(away);
  await taken;
  await returnOfTheStandby();
  const { entries } = await ledger.readAfter(position);
  expect(entries.map(({ node }) => [node.productId, node.version])).toEqual([["followed", 2]]);
  expect((await ledger.readNewest())?.entries.at(-1)).toEqual(entries[0]);
});

test("following a ledger that has nothing new waits for no standby", async () => {
  await receive("idle", 1);
  const [newest] = (await ledger.readNewest())?.entries.slice(-1) ?? [];
  await lossOfTheStandby();
  expect((await ledger.readAfter(newest?.position ?? 0n)).entries).toEqual([]);
});

test("a session that was opened with a server that takes no writes is not lent again", async () => {
  await admin.query("ALTER DATABASE inventory_gateway SET default_transaction_read_only = on");
  const other = createInventory(3_000);
  const refused = receive("demoted", 1, other).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ name: "ServiceUnavailableError", outcome: "not applied" });
  await admin.query("ALTER DATABASE inventory_gateway RESET default_transaction_read_only");
  await receive("demoted", 1, other);
  expect(await versionsOf("demoted")).toEqual([1]);
});
