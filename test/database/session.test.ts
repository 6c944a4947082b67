import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPool } from "../../src/database/pool.ts";
import { createDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

test("a session for groups plans a prepared statement once, and finds rows by key in a table that was empty then", async () => {
  const pool = createPool(database.url, { name: "test", poolSize: 1, plansOnce: true });
  const client = await pool.connect();
  try {
    const text = "SELECT version FROM stock WHERE product_id = ANY($1::text[]) ORDER BY product_id FOR UPDATE";
    for (const count of [1, 2, 100])
      await client.query({
        name: "lock",
        text,
        values: [Array.from({ length: count }, (_, index) => `shirt-${index}`)],
      });
    const { rows } = await client.query(
      "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'lock'",
    );
    expect(rows).toEqual([{ generic_plans: "3", custom_plans: "0" }]);
    const plan = await client.query("EXPLAIN (COSTS off) EXECUTE lock('{shirt}')");
    expect(JSON.stringify(plan.rows)).toMatch(/Index Scan (?:using|on) stock_pkey/);
  } finally {
    client.release();
    await pool.end();
  }
});
