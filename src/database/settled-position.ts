import { Prisma } from "./generated/client.ts";

/*
 * Up to which position the ledger is settled: no running transaction can still fill a place at or below it.
 *
 * A group takes its positions from a sequence while it holds its stocks' locks, so positions agree with the versions of
 * each product; but groups commit in any order, so a lower position may appear after a higher one. Who reads on from the
 * last position seen would miss it.
 *
 * Writers keep this order: (1) the transaction has its id (xid), (2) it takes its positions, (3) it opens a savepoint, in
 * which (4) it inserts its rows. The savepoint makes a subtransaction, which gets an xid of its own at the insertion: so
 * the `xmin` of a row is above the xid of every transaction that took a position before that row's was taken. Let S be a
 * reader's snapshot and R a row it sees. A transaction T with a lower position than R's, and not visible in S, is running
 * in S, and xid(T) < xmin(R). Turned round: where xmin(R) is below every xid that runs in S there is no such T, and every
 * position up to R's is settled.
 *
 * Neither the writer's own xid nor the xmax of its snapshot would do in place of that of the subtransaction: T's may be
 * above both, for a snapshot's xmax is the last *completed* xid plus one.
 *
 * That every transaction ends sometime keeps the list going, but xids belong to the whole server: somebody else's report
 * or a copy of another database would hold it up for hours. So where S's oldest xid is too old, the ones that run are
 * looked at: taking a position locks the sequence until the transaction ends, and one that runs *after* S without that
 * lock has no position. That it still runs is told by the lock on its own xid. Both locks are read at once, for of two
 * readings the later one could miss what ended in between; a transaction that is not found counts as a writer.
 */

/** The oldest xid of S, in full: with the epoch that an xid of 32 bits lacks. Read once a statement. */
const oldestRunning = Prisma.sql`(SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)`;

/** The oldest xid of S that may have taken a position. Read once a statement, and only where a row needs it. */
const oldestWriter = Prisma.sql`(
  WITH locks AS MATERIALIZED (
    SELECT locktype, mode, granted, database, relation, transactionid, virtualtransaction FROM pg_locks
  )
  SELECT COALESCE(min(running.xid::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
  FROM pg_snapshot_xip(pg_current_snapshot()) AS running (xid)
  WHERE NOT EXISTS (
    SELECT 1 FROM locks AS own
    WHERE own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock' AND own.granted
      AND own.transactionid = running.xid::xid
      AND NOT EXISTS (
        SELECT 1 FROM locks AS taken
        WHERE taken.virtualtransaction = own.virtualtransaction AND taken.locktype = 'relation'
          AND taken.relation = 'stock_transaction_position'::regclass
          AND taken.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      )
  ))`;

/** The same xid means no row: a visible row's transaction does not run. 4294967296 is where an xid of 32 bits wraps. */
const isBelow = (xid: Prisma.Sql): Prisma.Sql => Prisma.sql`((${xid} - xmin::text::bigint) & 4294967295) < 2147483648`;

/**
 * Whether the row itself proves its position settled. Xids of 32 bits are compared as PostgreSQL does, by the shorter
 * way round; 0, 1 and 2 are older than all. A row that is more than two thousand million transactions old may look
 * young, and then {@link settledPosition} has to tell.
 */
const provesSettled = Prisma.sql`
  (xmin::text::bigint < 3 OR ${isBelow(oldestRunning)} OR ${isBelow(oldestWriter)})`;

/**
 * The greatest position that a row proves settled, of the newest ten thousand rows: the bound keeps it cheap while a
 * writer is stuck. NULL when none of those is settled.
 */
export const settledPosition = Prisma.sql`(
  SELECT newest.position
  FROM (SELECT position, xmin FROM stock_transaction ORDER BY position DESC LIMIT 10000) AS newest
  WHERE ${provesSettled}
  ORDER BY newest.position DESC
  LIMIT 1)`;

/** Whether a row's position is settled: by itself, or by one after it. */
export const isSettled = Prisma.sql`(${provesSettled} OR position <= ${settledPosition})`;

/** The rows up to the last one that is settled: nothing can be filled in before it. @param rows in the order of their positions */
export function settledPartOf<Row extends { readonly settled: boolean }>(rows: readonly Row[]): readonly Row[] {
  return rows.slice(0, 1 + rows.findLastIndex((row) => row.settled));
}
