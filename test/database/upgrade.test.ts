import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { findSchemaDifference, migrate } from "../../src/database/migrate.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";

const folder = new URL("../../prisma/migrations/", import.meta.url);
const released = "20261124000000_initial";

/** What takes from older gateways what they use, or keeps them from writing for as long as it takes. */
const inTheWay =
  /\bDROP (TABLE|COLUMN|TYPE|SEQUENCE)\b|\bRENAME\b|\bSET NOT NULL\b|\bTYPE\b.*\bUSING\b|\bALTER COLUMN \S+ (SET DATA )?TYPE\b|\bADD COLUMN\b(?=.*NOT NULL)(?!.*DEFAULT)|\b(CREATE( UNIQUE)?|DROP) INDEX (?!CONCURRENTLY)|\bLOCK TABLE\b/i;

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(() => database.drop());

async function newMigrations(): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.toSorted().filter((name) => name > released);
}

describe("an upgrade", () => {
  test("has no migration that older gateways can't live with", async () => {
    for (const name of await newMigrations()) {
      const sql = await readFile(new URL(`${name}/migration.sql`, folder), "utf8");
      const statements = sql.replaceAll(/--.*$/gm, "").split(";");
      expect(statements.filter((statement) => inTheWay.test(statement))).toEqual([]);
    }
    expect(inTheWay.test('CREATE INDEX "a" ON "b"("c")')).toBe(true);
    expect(inTheWay.test('ALTER TABLE "a" ADD COLUMN "b" int NOT NULL')).toBe(true);
  });

  test("migrates while gateways serve on the tables as they were, and several start at once", async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('DROP INDEX "spent_key_age_idx"');
    await client.query('CREATE INDEX "spent_key_created_at_idx" ON "spent_key" USING BRIN ("created_at")');
    await client.query("DELETE FROM _prisma_migrations WHERE migration_name > $1", [released]);
    await client.end();
    const gateway = await startTestGateway({ databaseUrl: database.url });
    try {
      const shop = await Shop.open(gateway);
      const migrated = new AbortController();
      let moves = 0;
      const serve = async (): Promise<void> => {
        while (!migrated.signal.aborted) {
          const move = { productId: `p${moves % 7}`, action: "INCREMENT", quantity: 1, idempotencyKey: `k${moves}` };
          moves += 1;
          expect(await shop.move(move)).toMatchObject({ httpStatus: 200, refusal: null, replayed: false });
        }
      };
      const serving = [1, 2, 3, 4].map(serve);
      const applied = await Promise.all([1, 2, 3].map(() => migrate(database.url))).finally(() => migrated.abort());
      await Promise.all(serving);
      expect(applied.flat()).toEqual(await newMigrations());
      expect(await findSchemaDifference(database.url)).toBeNull();
      expect(moves).toBeGreaterThan(4);
      expect(await auditLedger(database.url)).toEqual([]);
    } finally {
      await gateway.close();
    }
  });
});
