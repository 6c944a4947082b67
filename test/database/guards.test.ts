import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let admin: Client;

beforeAll(async () => {
  database = await createDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query("INSERT INTO stock VALUES ('guarded', 5, 0, 1, true, now(), now())");
  await admin.query(`
    INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
    VALUES ('guarded', 1, gen_random_uuid(), 'INCREMENT', 5, 5, 0, 'a', now(), 1)`);
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

describe("the database itself", () => {
  test.each([
    ["a negative level", "UPDATE stock SET available = -1 WHERE product_id = 'guarded'", "stock_available_check"],
    [
      "a negative allocation (F14)",
      "UPDATE stock SET allocated = -1 WHERE product_id = 'guarded'",
      "stock_allocated_check",
    ],
    [
      "a total past 2147483647",
      "UPDATE stock SET available = 2147483647, allocated = 1 WHERE product_id = 'guarded'",
      "stock_total_check",
    ],
    [
      "an untracked product with units",
      "UPDATE stock SET tracked = false WHERE product_id = 'guarded'",
      "stock_untracked_check",
    ],
    [
      "a transaction of nothing",
      "UPDATE stock_transaction SET quantity = 0 WHERE product_id = 'guarded'",
      "stock_transaction_quantity_check",
    ],
    ["an empty product id", "UPDATE stock SET product_id = '' WHERE product_id = 'guarded'", "stock_product_id_check"],
  ])("refuses %s", async (_name, statement, constraint) => {
    await expect(admin.query(statement)).rejects.toMatchObject({ code: "23514", constraint });
  });
});
