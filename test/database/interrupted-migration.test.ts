import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { messageOf } from "../../src/error-message.ts";
import { findSchemaDifference, migrate } from "../../src/database/migrate.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const folder = new URL("../../prisma/migrations/", import.meta.url);
const entries = await readdir(folder, { withFileTypes: true });
const names = entries
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();

const indexAge = "20261125000000_index_the_age_of_keys";
const dropCoarse = "20261125000001_drop_the_coarse_index_of_keys";

/** As Prisma makes it. */
const history = `CREATE TABLE _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,
  logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

let database: TestDatabase | undefined;
let clients: Client[] = [];

beforeEach(() => {
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.end();
  await database?.drop();
});

async function connect(options: { readonly migrated: boolean }): Promise<Client> {
  database = await createDatabase(options);
  return another();
}

async function another(): Promise<Client> {
  const client = new Client({ connectionString: urlOf() });
  client.on("error", () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

function urlOf(): string {
  if (database === undefined) throw new Error("There is no database yet");
  return database.url;
}

/** The next start brings all of it up to date, and leaves nothing half-done. */
async function expectRecovery(client: Client, applied: readonly string[]): Promise<void> {
  expect(await migrate(urlOf())).toEqual(applied);
  expect(await migrate(urlOf())).toEqual([]);
  expect(await findSchemaDifference(urlOf())).toBeNull();
  const invalid = await client.query("SELECT indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready)");
  expect(invalid.rows).toEqual([]);
  const finished = await client.query<{ name: string }>(
    "SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1",
  );
  expect(finished.rows.map(({ name }) => name)).toEqual(names);
  const unfinished = "SELECT FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL";
  expect((await client.query(unfinished)).rowCount).toBe(0);
}

async function until(client: Client, condition: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await client.query(`SELECT 1 WHERE ${condition}`)).rowCount === 1) return;
    await wait(50);
  }
  throw new Error(`It never came to be: ${condition}`);
}

const waitsFor = (statement: string): string =>
  `EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%${statement}%'
    AND pid <> pg_backend_pid())`;

describe("a migration whose session ends", () => {
  test("in the middle of the first script leaves nothing of it", async () => {
    const client = await connect({ migrated: false });
    await client.query(`CREATE FUNCTION end_session() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.spent_key')
      THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$`);
    await client.query(
      "CREATE EVENT TRIGGER interruption ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION end_session()",
    );
    await expect(migrate(urlOf())).rejects.toThrow("could not be brought up to date");
    expect((await client.query("SELECT to_regclass('stock') AS stock")).rows).toEqual([{ stock: null }]);
    await client.query("DROP EVENT TRIGGER interruption");
    await expectRecovery(client, names);
  });

  test.each(names)("after the script of %s, and before it counts as finished, is taken up again", async (name) => {
    const client = await connect({ migrated: false });
    await client.query(history);
    await client.query(`CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`);
    await client.query(`CREATE TRIGGER interruption BEFORE UPDATE OF applied_steps_count ON _prisma_migrations
      FOR EACH ROW WHEN (NEW.migration_name = '${name}') EXECUTE FUNCTION end_session()`);
    await expect(migrate(urlOf())).rejects.toThrow("could not be brought up to date");
    await client.query("DROP TRIGGER interruption ON _prisma_migrations");
    // A transaction has its own end in it. What is CONCURRENTLY is found done, and counted.
    const sql = await readFile(new URL(`${name}/migration.sql`, folder), "utf8");
    const first = names.indexOf(name) + (/INDEX CONCURRENTLY "/.test(sql) ? 0 : 1);
    await expectRecovery(client, names.slice(first));
  });

  test.each([
    [indexAge, 'DROP INDEX "spent_key_age_idx"', "spent_key_age_idx"],
    [
      dropCoarse,
      'CREATE INDEX "spent_key_created_at_idx" ON "spent_key" USING BRIN ("created_at")',
      "spent_key_created_at_idx",
    ],
  ])("in the middle of %s, while it waits for somebody, is taken up again", async (name, undo, index) => {
    const client = await connect({ migrated: true });
    await client.query(undo);
    await client.query("DELETE FROM _prisma_migrations WHERE migration_name = $1", [name]);
    const holder = await another();
    await holder.query("BEGIN; LOCK TABLE spent_key IN ROW EXCLUSIVE MODE");
    const interrupted = migrate(urlOf()).then(() => "It was not interrupted", messageOf);
    await until(client, waitsFor("INDEX CONCURRENTLY"));
    // The session that works is the one that has the engine's lock.
    const ended = await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query ILIKE '%INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()
        AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369 AND granted)`);
    expect(ended.rowCount).toBe(1);
    expect(await interrupted).toContain("could not be brought up to date");
    const left = await client.query("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)", [index]);
    expect(left.rows).toEqual([{ indisvalid: false }]);

    // What was left is waited for, as the first attempt did.
    const recovered = expectRecovery(client, [name]);
    await until(await another(), waitsFor("INDEX CONCURRENTLY"));
    await holder.query("COMMIT");
    await recovered;
  });
});

test("a migration that fails says why at each start, and passes when that is mended", async () => {
  const client = await connect({ migrated: false });
  await client.query("CREATE TYPE stock_reason AS ENUM ()");
  for (const start of ["the first", "the next"]) {
    const message = await migrate(urlOf()).then(() => start, messageOf);
    expect(message.split("\n")[0]).toMatch(/could not be brought up to date: .* type "stock_reason" already exists$/);
  }
  await client.query("DROP TYPE stock_reason");
  await expectRecovery(client, names);
});

test("a session that works on after its gateway was killed is waited for, and its index is kept", async () => {
  const client = await connect({ migrated: true });
  await client.query('DROP INDEX "spent_key_age_idx"');
  await client.query("DELETE FROM _prisma_migrations WHERE migration_name = $1", [indexAge]);
  const holder = await another();
  await holder.query("BEGIN; LOCK TABLE spent_key IN ROW EXCLUSIVE MODE");
  const killed = spawn(process.execPath, [program, "migrate"], { env: { DATABASE_URL: urlOf() }, stdio: "ignore" });
  await until(client, waitsFor("INDEX CONCURRENTLY"));
  killed.kill("SIGKILL");
  await once(killed, "close");
  const index = await client.query("SELECT 'spent_key_age_idx'::regclass::oid AS oid");

  let isDone = false;
  const recovered = expectRecovery(client, [indexAge]).finally(() => {
    isDone = true;
  });
  // Longer than PostgreSQL takes to end one of two that wait for each other.
  await wait(1_500);
  expect(isDone).toBe(false);
  expect((await client.query(`SELECT 1 WHERE ${waitsFor("INDEX CONCURRENTLY")}`)).rowCount).toBe(1);
  await holder.query("COMMIT");
  await recovered;
  expect((await client.query("SELECT 'spent_key_age_idx'::regclass::oid AS oid")).rows).toEqual(index.rows);
});
