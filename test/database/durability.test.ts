import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { ConfigError } from "../../src/config.ts";
import { checkDatabase, checkGuards } from "../../src/database/durability.ts";
import { findGuardFaults, guards, listGuards } from "../../src/database/guards.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let admin: Client;

beforeAll(async () => {
  database = await createDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** What is found while a change is there, which then never was. */
async function faultsAfter(statement: string): Promise<string[]> {
  await admin.query("BEGIN");
  try {
    await admin.query(statement);
    return await findGuardFaults(admin);
  } finally {
    await admin.query("ROLLBACK");
  }
}

/** The table of a guard: its longest name that the guard's begins with. */
function tableOf(guard: string): string {
  const tables = ["api_client", "signing_key", "spent_key", "stock_deletion", "stock_transaction", "stock"];
  return tables.find((table) => guard.startsWith(`${table}_`)) ?? "";
}

describe("the tables' own rules", () => {
  test("are those that the migrations make, all of them", async () => {
    const made = (await listGuards(admin)).filter(({ name }) => !name.startsWith("_prisma"));
    expect(Object.fromEntries(made.map(({ name, definition }) => [name, definition]))).toEqual(guards);
    await checkGuards({ url: database.url, setting: "DATABASE_URL" });
  });

  test.each(Object.keys(guards))("%s is missed by its name", async (name) => {
    const statement = name.endsWith("_key")
      ? `DROP INDEX ${name}`
      : `ALTER TABLE ${tableOf(name)} DROP CONSTRAINT ${name}`;
    expect(await faultsAfter(statement)).toEqual([`${name} is missing`]);
  });

  test("are told from constraints of the same name that don't hold for what is there, or hold something else", async () => {
    const drop = "ALTER TABLE stock DROP CONSTRAINT stock_available_check, ADD CONSTRAINT stock_available_check";
    expect(await faultsAfter(`${drop} CHECK (available >= 0) NOT VALID`)).toEqual([
      "stock_available_check is not valid",
    ]);
    expect(await faultsAfter(`${drop} CHECK (available >= -1)`)).toEqual(["stock_available_check is another one"]);
    const key = "stock_transaction_id_key";
    expect(
      await faultsAfter(
        `DROP INDEX ${key}; CREATE UNIQUE INDEX ${key} ON stock_transaction (id) WHERE action = 'CREATE'`,
      ),
    ).toEqual([`${key} is another one`]);
    expect(await faultsAfter(`DROP INDEX ${key}; CREATE INDEX ${key} ON stock_transaction (id)`)).toEqual([
      `${key} is missing`,
    ]);
    const deferrable = "ADD CONSTRAINT spent_key_pkey PRIMARY KEY (client_id, idempotency_key) DEFERRABLE";
    expect(await faultsAfter(`ALTER TABLE spent_key DROP CONSTRAINT spent_key_pkey, ${deferrable}`)).toEqual([
      "spent_key_pkey is not valid",
    ]);
  });

  test("all that are broken are named, with the setting and the way out", async () => {
    const broken = await createDatabase();
    const client = new Client({ connectionString: broken.url });
    await client.connect();
    await client.query("ALTER TABLE stock DROP CONSTRAINT stock_total_check, DROP CONSTRAINT stock_pkey");
    await client.end();
    await expect(checkGuards({ url: broken.url, setting: "DATABASE_URL" })).rejects.toEqual(
      new ConfigError(
        "DATABASE_URL: the tables don't keep their own rules: stock_pkey is missing, stock_total_check is missing. " +
          "Make the constraint again as prisma/migrations has it, or set UNSAFE_DATABASE=allow",
      ),
    );
    await broken.drop();
  });
});

describe("the database's sessions", () => {
  test.each([
    ["-c TimeZone=Europe/Berlin -c statement_timeout=4000 -c lock_timeout=2000", ["TimeZone=UTC"]],
    ["-c TimeZone=UTC", ["statement_timeout=4000", "lock_timeout=2000"]],
  ])("that are opened with %s are refused, also where an unsafe database is allowed", async (options, missing) => {
    const url = new URL(database.url);
    url.searchParams.set("options", `${options} -c idle_in_transaction_session_timeout=5000`);
    await expect(checkDatabase({ url: url.href, setting: "DATABASE_URL" }, true)).rejects.toEqual(
      new ConfigError(
        `DATABASE_URL: the database's sessions don't have ${missing.join(", ")}, as the gateway asks. ` +
          "Take `options` out of the URL, or have the pooler in between pass them on",
      ),
    );
  });

  test("are in UTC and bounded although role and database say otherwise", async () => {
    const name = new URL(database.url).pathname.slice(1);
    await admin.query(`ALTER DATABASE ${name} SET TimeZone = 'Europe/Berlin'`);
    await admin.query(`ALTER DATABASE ${name} SET statement_timeout = 0`);
    await expect(checkDatabase({ url: database.url, setting: "DATABASE_URL" }, true)).resolves.toBeUndefined();
  });
});
