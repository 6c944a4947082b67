import { afterEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { findSchemaDifference, migrate } from "../../src/database/migrate.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

describe("migrations", () => {
  const databases: TestDatabase[] = [];
  const create = async (migrated: boolean): Promise<string> => {
    const database = await createDatabase({ migrated });
    databases.push(database);
    return database.url;
  };

  afterEach(async () => {
    await Promise.all(databases.splice(0).map((database) => database.drop()));
  });

  test("make what schema.prisma says", async () => {
    expect(await findSchemaDifference(await create(true))).toBeNull();
  });

  test("are told apart from a schema.prisma that says something else", async () => {
    const url = await create(true);
    await execute(
      url,
      `DROP INDEX stock_transaction_reference_idx; ALTER TABLE stock ALTER COLUMN version TYPE bigint`,
    );
    const difference = await findSchemaDifference(url);
    expect(difference).toContain(`CREATE INDEX "stock_transaction_reference_idx"`);
    expect(difference).toContain(`ALTER TABLE "stock"`);
  });

  test("are applied once when five gateways migrate one empty database at once", async () => {
    const url = await create(false);
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
    const rows = await execute(
      url,
      "SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1",
    );
    expect(applied.flat()).toEqual(rows.map((row) => row["name"]));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await findSchemaDifference(url)).toBeNull();
  });

  test("are not applied again", async () => {
    expect(await migrate(await create(true))).toEqual([]);
  });
});

async function execute(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(statement);
    return result.rows;
  } finally {
    await client.end();
  }
}
