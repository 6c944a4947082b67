import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { PrismaLedger } from "../../src/database/ledger.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { InvalidInputError } from "../../src/inventory/errors.ts";
import type { LedgerTail } from "../../src/inventory/ledger.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { ForeignGroup } from "../support/foreign-group.ts";

type Prisma = ReturnType<typeof createPrisma>;

let database: TestDatabase;
let prisma: Prisma;
let ledger: PrismaLedger;

/** Of 20 000 rows every seventh is about a product of seven, and the last about a rare one; positions have gaps. */
const rows = 20_000;
const fill = `
  INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
  SELECT CASE WHEN n = ${rows} THEN 'rare' ELSE 'product ' || n % 7 END, n, gen_random_uuid(), 'INCREMENT', 1, n, 0, 'client', now(), 10 * n
  FROM generate_series(1, ${rows}) AS n`;

beforeAll(async () => {
  database = await createDatabase();
  prisma = createPrisma(database.url, { name: "test", poolSize: 2, preparesStatements: true });
  ledger = new PrismaLedger(prisma);
});

afterAll(async () => {
  await prisma.$disconnect();
  await database.drop();
});

async function execute(sql: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const cursorOf = (position: number): string =>
  Buffer.from(JSON.stringify(["stock-transactions:OLDEST_FIRST", String(position)])).toString("base64url");

/** Reads a range to its end. */
async function readAll(range: {
  after: bigint;
  upTo: bigint;
  productIds: ReadonlySet<string> | null;
}): Promise<{ positions: bigint[]; parts: number }> {
  const positions: bigint[] = [];
  let { after } = range;
  let parts = 0;
  for (; after < range.upTo; parts += 1) {
    const part = await ledger.readRange({ ...range, after });
    expect(part.readUpTo).toBeGreaterThan(after);
    positions.push(...part.entries.map(({ position }) => position));
    after = part.readUpTo;
  }
  return { positions, parts };
}

/**
 * The newest products, as soon as all is settled. Other files' groups run on the same server: one that ends in the very
 * moment of a reading puts it off to the next.
 */
async function readNewestUpTo(isAll: (tail: LedgerTail | null) => boolean): Promise<readonly string[]> {
  for (;;) {
    const tail = await ledger.readNewest();
    if (isAll(tail)) return (tail?.entries ?? []).map(({ node }) => node.productId);
  }
}

describe("an empty ledger", () => {
  test("is known to be empty, and has not reached any place", async () => {
    expect(await ledger.readNewest()).toEqual({ entries: [], after: 0n });
    expect(await ledger.readAfter(0n)).toEqual({ entries: [], isFull: false, hasUnsettled: false });
    await expect(ledger.findPosition(cursorOf(10))).rejects.toThrow(
      new InvalidInputError("after", "after is a cursor that this ledger has not reached"),
    );
  });

  test("of which nothing is settled yet is no empty one", async () => {
    const group = await ForeignGroup.begin(database.url);
    await execute(`
      BEGIN;
      SAVEPOINT written;
      INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
      VALUES ('early', 1, gen_random_uuid(), 'INCREMENT', 1, 1, 0, 'client', now(), nextval('stock_transaction_position'));
      COMMIT`);
    expect(await ledger.readNewest()).toBeNull();
    expect(await ledger.readAfter(0n)).toEqual({ entries: [], isFull: false, hasUnsettled: true });
    await group.end("ROLLBACK");
    expect(await readNewestUpTo((tail) => tail !== null)).toEqual(["early"]);
    await execute("DELETE FROM stock_transaction");
  });
});

describe("a long ledger", () => {
  beforeAll(async () => {
    await execute(fill);
    await readNewestUpTo((tail) => tail?.entries.at(-1)?.position === BigInt(10 * rows));
  });

  test("shows its newest, and from which place on those are all", async () => {
    const tail = await ledger.readNewest();
    expect(tail?.entries).toHaveLength(1_000);
    expect(tail?.entries.at(-1)?.position).toBe(BigInt(10 * rows));
    expect(tail?.after).toBe((tail?.entries[0]?.position ?? 0n) - 1n);
  });

  test("is followed in full parts until there is no more", async () => {
    const { entries, isFull } = await ledger.readAfter(0n);
    expect(entries.map(({ position }) => position)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => BigInt(10 * n + 10)),
    );
    expect(isFull).toBe(true);
    expect((await ledger.readAfter(BigInt(10 * rows))).entries).toEqual([]);
  });

  test("gives a place for each of its cursors, and none for those beyond its end", async () => {
    const [entry] = (await ledger.readAfter(50n)).entries;
    expect(await ledger.findPosition(entry?.cursor ?? "")).toBe(60n);
    await expect(ledger.findPosition(cursorOf(10 * rows + 1))).rejects.toThrow(InvalidInputError);
    await expect(ledger.findPosition("made up")).rejects.toThrow(InvalidInputError);
  });

  test("is not followed from a place that it lacks: it may have been another's, and is refused as a cursor", async () => {
    const unknown = new InvalidInputError("after", "after is a cursor that this ledger has not reached");
    for (const position of [55, 10 * rows + 10]) {
      await expect(ledger.readAfter(BigInt(position))).rejects.toThrow(unknown);
      await expect(ledger.findPosition(cursorOf(position))).rejects.toThrow(unknown);
    }
  });

  test("is read from anywhere to anywhere, all of it, part by part", async () => {
    const { positions } = await readAll({ after: 100n, upTo: 30_000n, productIds: null });
    expect(positions).toEqual(Array.from({ length: 2_990 }, (_, n) => BigInt(110 + 10 * n)));
  });

  test("is read for some products, all that is about them, however seldom and far away", async () => {
    const upTo = BigInt(10 * rows);
    const often = await readAll({ after: 0n, upTo, productIds: new Set(["product 3", "product 5"]) });
    expect(often.positions).toEqual(
      Array.from({ length: rows - 1 }, (_, n) => n + 1)
        .filter((n) => n % 7 === 3 || n % 7 === 5)
        .map((n) => BigInt(10 * n)),
    );
    const rare = await readAll({ after: 0n, upTo, productIds: new Set(["rare"]) });
    expect(rare.positions).toEqual([upTo]);
    expect(rare.parts).toBeLessThanOrEqual(5);
    expect((await readAll({ after: 0n, upTo, productIds: new Set() })).positions).toEqual([]);
  });
});
