import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { dropOldKeys } from "../../src/database/key-retention.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";

const never = new AbortController().signal;
let database: TestDatabase;
let prisma: ReturnType<typeof createPrisma>;

beforeAll(async () => {
  database = await createDatabase();
  prisma = createPrisma(database.url, { name: "test", poolSize: 5, preparesStatements: false });
});

afterAll(async () => {
  await prisma.$disconnect();
  await database.drop();
});

beforeEach(() => prisma.$executeRaw`TRUNCATE spent_key`);

/** So many keys, each a minute older than the one before; the first is that old. */
function spend(count: number, oldest: string): Promise<number> {
  return prisma.$executeRaw`
    INSERT INTO spent_key (client_id, idempotency_key, fingerprint, command_id, product_id, refusal, created_at)
    SELECT 'admin', 'k' || n, '', gen_random_uuid(), 'hat', '{}', now() - ${oldest}::interval + interval '1 minute' * n
    FROM generate_series(0, ${count}::int - 1) AS n`;
}

describe("old idempotency keys", () => {
  test("are dropped, all that are old enough and no other", async () => {
    await spend(4_000, "3999.5 minutes");
    expect(await dropOldKeys(prisma, 24, never)).toBe(4_000 - 24 * 60);
    expect(await prisma.$queryRaw`SELECT min(created_at) > now() - interval '24 hours' AS kept FROM spent_key`).toEqual(
      [{ kept: true }],
    );
    expect(await dropOldKeys(prisma, 24, never)).toBe(0);
  });

  test("are dropped once when several gateways do so at once, and nobody waits for a key that is in use", async () => {
    await spend(5_000, "1 year");
    const user = new Client({ connectionString: database.url });
    await user.connect();
    await user.query("BEGIN");
    await user.query("SELECT FROM spent_key WHERE idempotency_key = 'k7' FOR UPDATE");
    const dropped = await Promise.all([1, 2, 3].map(() => dropOldKeys(prisma, 24, never)));
    expect(dropped.reduce((sum, count) => sum + count)).toBe(4_999);
    await user.end();
    expect(await dropOldKeys(prisma, 24, never)).toBe(1);
  });

  test("are found by an index", async () => {
    await spend(5_000, "10 minutes");
    await prisma.$executeRaw`ANALYZE spent_key`;
    const plan = await prisma.$queryRaw<Record<string, string>[]>`
      EXPLAIN SELECT FROM spent_key WHERE created_at < now() - make_interval(hours => 24) ORDER BY created_at LIMIT 1000`;
    expect(plan.map((row) => row["QUERY PLAN"]).join("\n")).toMatch(/Index (Only )?Scan using spent_key_age_idx/);
  });

  test("count as new afterwards: the same request is done again, and the ledger agrees with that", async () => {
    const gateway = await startTestGateway({ databaseUrl: database.url });
    try {
      const shop = await Shop.open(gateway);
      const move = { productId: "hat", action: "INCREMENT", quantity: 3, idempotencyKey: "delivery" };
      expect((await shop.move(move)).moved?.version).toBe(1);
      expect(await shop.move(move)).toMatchObject({ moved: { version: 1 }, replayed: true });
      await prisma.$executeRaw`UPDATE spent_key SET created_at = created_at - interval '25 hours'`;
      await prisma.$executeRaw`UPDATE stock_transaction SET created_at = created_at - interval '25 hours'`;
      expect(await dropOldKeys(prisma, 24, never)).toBe(1);
      expect(await shop.move(move)).toMatchObject({ moved: { version: 2 }, replayed: false });
      expect(await auditLedger(database.url)).toEqual([]);
    } finally {
      await gateway.close();
    }
  });
});
