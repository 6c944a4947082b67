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
 * reader's snapshot and R a row it sees. A transaction T with a lower position than R's, and not visible in S, is running in S,
 * and so xmin(S) <= xid(T) < xmin(R). Turned round: where xmin(R) <= xmin(S) there is no such T; every position up to R's
 * is settled. That every transaction below S's xmin ends sometime keeps the list going.
 *
 * Neither the writer's own xid nor the xmax of its snapshot would do in place of that of the subtransaction: T's may be
 * above both, for a snapshot's xmax is the last *completed* xid plus one.
 */

/** The oldest transaction that runs, in full: with the epoch that an xid of 32 bits lacks. Read once a statement. */
const oldestRunning = Prisma.sql`(SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)`;

/**
 * Whether the row itself proves its position settled. An xid is 32 bits and wraps round, so the two are compared as
 * PostgreSQL does, by the shorter way round; 0, 1 and 2 are older than all. A row that is more than two thousand million
 * transactions old may look young, and then {@link settledPosition} has to tell.
 */
export const isSettled = Prisma.sql`
  (xmin::text::bigint < 3 OR ((${oldestRunning} - xmin::text::bigint) & 4294967295) < 2147483648)`;

/**
 * The greatest position that a row proves settled, of the newest ten thousand rows: the bound keeps it cheap while a
 * transaction of somebody else's is left open for hours. NULL when none of those is settled.
 */
export const settledPosition = Prisma.sql`(
  SELECT newest.position
  FROM (SELECT position, xmin FROM stock_transaction ORDER BY position DESC LIMIT 10000) AS newest
  WHERE ${isSettled}
  ORDER BY newest.position DESC
  LIMIT 1)`;
