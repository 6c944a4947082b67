import assert from "node:assert/strict";
import type { StockRecord } from "../inventory/stock.ts";
import { Prisma } from "./generated/client.ts";
import type { PrismaClient } from "./generated/client.ts";
import { toStockRecord } from "./rows.ts";
import type { StockRow } from "./rows.ts";

/**
 * How long a group waits for a lock, in milliseconds: soon enough said that its other products go on, and long enough for
 * whoever holds one for an ordinary while.
 */
const lockWaitMs = 500;

/**
 * A condition that holds for every row, and sets how long to wait for each: in the same statement, which costs no round trip,
 * for one that has nothing of a row in it is evaluated before the first row is locked.
 */
function lockWait(ms: number): Prisma.Sql {
  return Prisma.sql`(SELECT set_config('lock_timeout', ${String(ms)}, true)) IS NOT NULL`;
}

export interface LockedStocks {
  readonly stocks: ReadonlyMap<string, StockRecord>;
  /** The database's clock, read when the last lock was held: it runs on from group to group, whichever gateway asks. */
  readonly now: Date;
  /** The first of this group's positions. */
  readonly position: bigint;
}

/**
 * Waits for the rows in the order of their ids, so that no two groups wait for each other. A product without a row can't
 * be locked; what is written then fails if another group made it meanwhile. The position is taken once all locks are held,
 * so that positions grow with the versions of every product, and once the transaction has its id, which is what readers
 * in the ledger's order go by: see settled-position.ts.
 * @throws 55P03 where somebody else does not let go of a row
 */
export async function lockStocks(tx: Prisma.TransactionClient, productIds: readonly string[]): Promise<LockedStocks> {
  const rows = await tx.$queryRaw<(Partial<StockRow> & { position: bigint; now: Date })[]>`
    WITH locked AS MATERIALIZED (
      SELECT product_id, available, allocated, version, tracked, created_at, updated_at
      FROM stock
      WHERE product_id = ANY(${productIds}::text[]) AND ${lockWait(lockWaitMs)}
      ORDER BY product_id
      FOR UPDATE
    ), all_locked AS MATERIALIZED (
      SELECT count(*), pg_current_xact_id() FROM locked
    ), place AS MATERIALIZED (
      SELECT nextval('stock_transaction_position') AS position, clock_timestamp()::timestamptz(3) AS now FROM all_locked
    )
    SELECT place.position, place.now, locked.*
    FROM place LEFT JOIN locked ON true
    /* then SAVEPOINT positions_taken */`;
  const [first] = rows;
  assert(first !== undefined, "The locking statement answered with no row");
  const records = rows.filter(isStockRow).map(toStockRecord);
  return {
    stocks: new Map(records.map((record) => [record.productId, record])),
    now: first.now,
    position: first.position,
  };
}

function isStockRow<Row extends object>(row: Row & Partial<StockRow>): row is Row & StockRow {
  return typeof row.product_id === "string";
}

/**
 * Waits until each stock has been free, one after another, and holds none of them nor any other: those would be held for
 * everybody else too.
 * @param remainingMs it is over by then, or has failed
 * @throws 55P03 where somebody else does not let go of one
 */
export async function awaitHeld(
  prisma: PrismaClient,
  productIds: readonly string[],
  remainingMs: number,
): Promise<void> {
  const until = performance.now() + Math.min(lockWaitMs, remainingMs);
  for (const productId of productIds) {
    const waitMs = Math.max(1, Math.ceil(until - performance.now()));
    await prisma.$executeRaw`SELECT FROM stock WHERE product_id = ${productId} AND ${lockWait(waitMs)} FOR UPDATE`;
  }
}

/** Which of these stocks somebody else holds at the moment, or is making. */
export async function findHeld(prisma: PrismaClient, productIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await prisma.$queryRaw<{ product_id: string; exists: boolean }[]>`
    WITH free AS MATERIALIZED (
      SELECT product_id FROM stock WHERE product_id = ANY(${productIds}::text[]) FOR UPDATE SKIP LOCKED
    )
    SELECT asked.product_id, stock.product_id IS NOT NULL AS exists
    FROM unnest(${productIds}::text[]) AS asked (product_id)
    LEFT JOIN stock USING (product_id)
    WHERE product_id NOT IN (SELECT product_id FROM free)`;
  const locked = rows.filter(({ exists }) => exists);
  // Where no row is locked, somebody else is making one, and has not committed it.
  return new Set((locked.length > 0 ? locked : rows).map((row) => row.product_id));
}
