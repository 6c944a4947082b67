import type { Page, StockTransactionFilter, StockTransactionList } from "../inventory/queries.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";
import { CursorCodec, positionPart } from "./cursor.ts";
import { Prisma } from "./generated/client.ts";
import type { PrismaClient } from "./generated/client.ts";
import { allOf, comparison, direction, existsIn, reverseComparison, toPage, toPageStatement } from "./keyset-list.ts";
import type { KeysetOrder, PageStatement } from "./keyset-list.ts";
import { toStockTransaction } from "./rows.ts";
import type { StockTransactionRow } from "./rows.ts";
import { isSettled, settledPartOf, settledPosition } from "./settled-position.ts";

/** The columns of {@link StockTransactionRow}. */
export const stockTransactionColumns = Prisma.sql`
  product_id, version, id, action, quantity, available_after, allocated_after, reason, reference, note, actor, idempotency_key, created_at`;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** In the order of the ids; null for what is no id of a stock transaction. */
export async function findStockTransactions(
  prisma: PrismaClient,
  ids: readonly string[],
): Promise<(StockTransaction | null)[]> {
  const distinct = [...new Set(ids.filter((id) => uuid.test(id)).map((id) => id.toLowerCase()))];
  if (distinct.length === 0) return ids.map(() => null);
  const rows = await prisma.$queryRaw<StockTransactionRow[]>`
    SELECT ${stockTransactionColumns} FROM stock_transaction WHERE id = ANY(${distinct}::uuid[])`;
  const transactions = new Map(rows.map((row) => [row.id, toStockTransaction(row)]));
  return ids.map((id) => transactions.get(id.toLowerCase()) ?? null);
}

/** One page of the ledger over all products, in one statement. */
export async function listStockTransactions(
  prisma: PrismaClient,
  list: StockTransactionList,
): Promise<Page<StockTransaction>> {
  const order = list.orderBy === "OLDEST_FIRST" ? oldestFirst : newestFirst;
  const statement = toPageStatement(order, list.page);
  const rows = await prisma.$queryRaw<LedgerPageRow[]>(ledgerPageSql(list, statement));
  const found = rows.filter(isLedgerRow);
  const surroundings = { hasBefore: rows[0]?.has_before ?? false, hasAfter: rows[0]?.has_after ?? false };
  const listed = endsAtSettled(list) ? settledPartOf(found) : found;
  return toPage(order, list.page, listed, { surroundings, toNode: toStockTransaction });
}

/** How many match, over all products. */
export async function countStockTransactions(prisma: PrismaClient, filter: StockTransactionFilter): Promise<number> {
  const [row] = await prisma.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) AS count FROM stock_transaction WHERE ${matches(filter)}`;
  return Number(row?.count ?? 0n);
}

interface Around {
  readonly has_before: boolean;
  readonly has_after: boolean;
}

type LedgerRow = StockTransactionRow & { readonly position: bigint; readonly settled: boolean };

type LedgerPageRow = Around & (LedgerRow | { readonly product_id: null });

function isLedgerRow(row: LedgerPageRow): row is Around & LedgerRow {
  return row.product_id !== null;
}

/**
 * Whether the page runs towards the ledger's growing end with nothing to stop it. What lies before a cursor of the same
 * list needs no look: the list ended at or after that cursor when it was made.
 */
function isOpenEnded({ orderBy, page }: StockTransactionList): boolean {
  return orderBy === "OLDEST_FIRST" && page.before === undefined;
}

/** Read forward, the page is cut after its last settled row; read backward, it begins at the last settled position. */
function endsAtSettled(list: StockTransactionList): boolean {
  return isOpenEnded(list) && list.page.direction === "forward";
}

function ledgerPageSql(list: StockTransactionList, statement: PageStatement): Prisma.Sql {
  const ledger = Prisma.sql`stock_transaction WHERE ${matches(list.filter)}`;
  const settled = endsAtSettled(list) ? isSettled : Prisma.sql`TRUE`;
  const range =
    isOpenEnded(list) && list.page.direction === "backward"
      ? Prisma.sql`${statement.range} AND position <= ${settledPosition}`
      : statement.range;
  return Prisma.sql`
    SELECT around.has_before, around.has_after, page.*
    FROM (
      SELECT ${existsIn(ledger, statement.beforeRange)} AS has_before, ${existsIn(ledger, statement.afterRange)} AS has_after
    ) AS around
    LEFT JOIN (
      SELECT ${stockTransactionColumns}, position, ${settled} AS settled
      FROM ${ledger} AND ${range}
      ORDER BY ${statement.orderBy}
      LIMIT ${statement.limit}::int OFFSET ${statement.offset}::int
    ) AS page ON TRUE
    ORDER BY ${statement.orderBy}`;
}

/** The conditions of a filter, on columns of stock_transaction. */
export function matches(filter: StockTransactionFilter): Prisma.Sql {
  const { productIds, actions, reasons, actors, reference, createdSince, createdBefore } = filter;
  return allOf([
    ...(productIds === undefined ? [] : [Prisma.sql`product_id = ANY(${[...productIds]}::text[])`]),
    ...(actions === undefined ? [] : [Prisma.sql`action = ANY(${[...actions]}::text[]::stock_action[])`]),
    ...(reasons === undefined ? [] : [Prisma.sql`reason = ANY(${[...reasons]}::text[]::stock_reason[])`]),
    ...(actors === undefined ? [] : [Prisma.sql`actor = ANY(${[...actors]}::text[])`]),
    ...(reference === undefined ? [] : [Prisma.sql`reference = ${reference}`]),
    ...(createdSince === undefined ? [] : [Prisma.sql`created_at >= ${createdSince}::timestamptz`]),
    ...(createdBefore === undefined ? [] : [Prisma.sql`created_at < ${createdBefore}::timestamptz`]),
  ]);
}

type LedgerOrder = KeysetOrder<LedgerRow, readonly [bigint]>;

/** The cursors of the feed, too. */
export const oldestFirstCursors = new CursorCodec<readonly [bigint]>("stock-transactions:OLDEST_FIRST", [positionPart]);

const oldestFirst: LedgerOrder = {
  cursors: oldestFirstCursors,
  keyOf: (row) => [row.position],
  rowsOn: (side, [position], inclusive) => Prisma.sql`position ${comparison(side, inclusive)} ${position}::bigint`,
  orderBy: (reversed) => Prisma.sql`position ${direction(reversed)}`,
};

const newestFirst: LedgerOrder = {
  cursors: new CursorCodec("stock-transactions:NEWEST_FIRST", [positionPart]),
  keyOf: (row) => [row.position],
  rowsOn: (side, [position], inclusive) =>
    Prisma.sql`position ${reverseComparison(side, inclusive)} ${position}::bigint`,
  orderBy: (reversed) => Prisma.sql`position ${direction(!reversed)}`,
};
