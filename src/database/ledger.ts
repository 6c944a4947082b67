import type { Ledger, LedgerAdvance, LedgerEntry, LedgerPart, LedgerRange, LedgerTail } from "../inventory/ledger.ts";
import { InvalidInputError, ServiceUnavailableError } from "../inventory/errors.ts";
import { whileAvailable } from "./availability.ts";
import { Prisma } from "./generated/client.ts";
import type { PrismaClient } from "./generated/client.ts";
import { toStockTransaction } from "./rows.ts";
import type { StockTransactionRow } from "./rows.ts";
import { isSettled, settledPartOf, settledPosition } from "./settled-position.ts";
import { oldestFirstCursors, stockTransactionColumns } from "./stock-transaction-queries.ts";

/** The most entries of one answer: it is held in memory whole. */
const newestMax = 1_000;
const tailMax = 1_000;
const rangeMax = 250;
/** How many rows are looked at for those of some products: a bound on one statement, whatever is found. */
const scannedMax = 5_000;

/** Before all places. */
const nowhere = 0n;

type EntryRow = StockTransactionRow & { readonly position: bigint };

/**
 * Makes a statement that has found something wait for the synchronous standbys, where there are any, as a COMMIT does.
 * What it has read is on them then: also what was cut off from its own wait, by an administrator or by a crash of the
 * server, and would be gone should a standby take over. Once a statement, whatever the number of its rows.
 */
const isReplicated = Prisma.sql`(
  SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''
    THEN pg_logical_emit_message(true, 'inventory-gateway', '') END) IS NOT NULL`;

/** Reads the ledger in the order of its positions. Its statements are few and fixed, so that they can be prepared. */
export class PrismaLedger implements Ledger {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async findPosition(cursor: string): Promise<bigint> {
    const [position] = oldestFirstCursors.decode(cursor, "after");
    await this.#assertReached(position);
    return position;
  }

  async readNewest(): Promise<LedgerTail | null> {
    const rows = await this.#read<EntryRow>(Prisma.sql`
      SELECT ${stockTransactionColumns}, position, ${isReplicated} AS replicated
      FROM stock_transaction
      WHERE position <= ${settledPosition}
      ORDER BY position DESC
      LIMIT ${newestMax}::int`);
    if (rows.length === 0 && !(await this.#isEmpty())) return null;
    const entries = rows.toReversed().map(toEntry);
    const [first] = entries;
    return { entries, after: first === undefined || entries.length < newestMax ? nowhere : first.position - 1n };
  }

  async readAfter(position: bigint): Promise<LedgerAdvance> {
    const rows = await this.#read<EntryRow & { readonly settled: boolean }>(Prisma.sql`
      SELECT ${stockTransactionColumns}, position, ${isSettled} AS settled,
             CASE WHEN position > ${position}::bigint THEN ${isReplicated} END AS replicated
      FROM stock_transaction
      WHERE position >= ${position}::bigint
      ORDER BY position
      LIMIT ${tailMax + 1}::int`);
    // What was read before has to be there still: who went on in another ledger would miss what it has instead.
    if (position !== nowhere && rows[0]?.position !== position) {
      await this.#assertReached(position);
      return { entries: [], isFull: false, hasUnsettled: true };
    }
    const added = rows.filter((row) => row.position > position).slice(0, tailMax);
    const entries = settledPartOf(added).map(toEntry);
    return { entries, isFull: entries.length === tailMax, hasUnsettled: entries.length < added.length };
  }

  async readRange(range: LedgerRange): Promise<LedgerPart> {
    const { after, upTo, productIds } = range;
    const rows = await this.#read<ScannedRow>(
      productIds === null ? wholeRange(range) : rangeOf([...productIds], range),
    );
    const entries = rows.filter(isEntryRow).map(toEntry);
    const scannedUpTo = rows[0]?.scanned_count === scannedMax ? (rows[0].scanned_up_to ?? after) : upTo;
    return { entries, readUpTo: entries.length < rangeMax ? scannedUpTo : (entries.at(-1)?.position ?? after) };
  }

  /**
   * A database that was put back to an earlier state lacks places that were told, and gives them out again. A standby that
   * is about to become the primary may only not have them yet.
   */
  async #assertReached(position: bigint): Promise<void> {
    const [place] = await this.#read<{ reached: boolean; recovering: boolean }>(Prisma.sql`
      SELECT EXISTS (SELECT 1 FROM stock_transaction WHERE position = ${position}::bigint) AS reached,
             pg_is_in_recovery() AS recovering`);
    if (place?.reached === true) return;
    if (place?.recovering === true) throw new ServiceUnavailableError("The database is catching up", "not applied");
    throw new InvalidInputError("after", "after is a cursor that this ledger has not reached");
  }

  /** Nothing can be settled where there is nothing. */
  async #isEmpty(): Promise<boolean> {
    const [answer] = await this.#read<{ empty: boolean }>(
      Prisma.sql`SELECT NOT EXISTS (SELECT 1 FROM stock_transaction) AS empty`,
    );
    return answer?.empty ?? false;
  }

  #read<Row>(statement: Prisma.Sql): Promise<Row[]> {
    return whileAvailable(() => this.#prisma.$queryRaw<Row[]>(statement), "The ledger can't be read at the moment");
  }
}

type ScannedRow = { readonly scanned_count: number | null; readonly scanned_up_to: bigint | null } & (
  | EntryRow
  | { readonly product_id: null }
);

function isEntryRow(row: ScannedRow): row is ScannedRow & EntryRow {
  return row.product_id !== null;
}

function wholeRange({ after, upTo }: LedgerRange): Prisma.Sql {
  return Prisma.sql`
    SELECT ${stockTransactionColumns}, position, NULL::int AS scanned_count, NULL::bigint AS scanned_up_to
    FROM stock_transaction
    WHERE position > ${after}::bigint AND position <= ${upTo}::bigint
    ORDER BY position
    LIMIT ${rangeMax}::int`;
}

/** A product that is seldom moved may be far away: so many rows are read and no more, and the next statement goes on. */
function rangeOf(productIds: readonly string[], { after, upTo }: LedgerRange): Prisma.Sql {
  return Prisma.sql`
    WITH scanned AS MATERIALIZED (
      SELECT ${stockTransactionColumns}, position
      FROM stock_transaction
      WHERE position > ${after}::bigint AND position <= ${upTo}::bigint
      ORDER BY position
      LIMIT ${scannedMax}::int
    ), found AS (
      SELECT * FROM scanned WHERE product_id = ANY(${productIds}::text[]) ORDER BY position LIMIT ${rangeMax}::int
    )
    SELECT bounds.*, found.*
    FROM (SELECT count(*)::int AS scanned_count, max(position) AS scanned_up_to FROM scanned) AS bounds
    LEFT JOIN found ON TRUE
    ORDER BY found.position`;
}

function toEntry(row: EntryRow): LedgerEntry {
  return {
    position: row.position,
    cursor: oldestFirstCursors.encode([row.position]),
    node: toStockTransaction(row),
  };
}
