import type { Page, StockTransactionFilter, StockTransactionList } from "../inventory/queries.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";
import { CursorCodec, integerPart } from "./cursor.ts";
import { Prisma } from "./generated/client.ts";
import type { PrismaClient } from "./generated/client.ts";
import { comparison, direction, existsIn, reverseComparison, toPage, toPageStatement } from "./keyset-list.ts";
import type { KeysetOrder } from "./keyset-list.ts";
import { toStockTransaction } from "./rows.ts";
import type { StockTransactionRow } from "./rows.ts";
import { matches, stockTransactionColumns } from "./stock-transaction-queries.ts";

/**
 * The same page of several products' histories, by version, in one statement. A version is only given under its stock's
 * lock, so no lower one can appear later: the newest is as final as the first.
 */
export async function listHistories(
  prisma: PrismaClient,
  productIds: readonly string[],
  list: StockTransactionList,
): Promise<Page<StockTransaction>[]> {
  if (productIds.length === 0) return [];
  const order = list.orderBy === "OLDEST_FIRST" ? oldestFirst : newestFirst;
  const statement = toPageStatement(order, list.page);
  const history = Prisma.sql`stock_transaction WHERE product_id = asked.id AND ${matches(list.filter)}`;
  const rows = await prisma.$queryRaw<HistoryPageRow[]>`
    SELECT asked.place, ${existsIn(history, statement.beforeRange)} AS has_before,
           ${existsIn(history, statement.afterRange)} AS has_after, page.*
    FROM unnest(${[...productIds]}::text[]) WITH ORDINALITY AS asked (id, place)
    LEFT JOIN LATERAL (
      SELECT ${stockTransactionColumns} FROM ${history} AND ${statement.range}
      ORDER BY ${statement.orderBy}
      LIMIT ${statement.limit}::int OFFSET ${statement.offset}::int
    ) AS page ON TRUE
    ORDER BY asked.place, ${statement.orderBy}`;
  const pages: HistoryPageRow[][] = productIds.map(() => []);
  for (const row of rows) pages[Number(row.place) - 1]?.push(row);
  return pages.map((found) => {
    const surroundings = { hasBefore: found[0]?.has_before ?? false, hasAfter: found[0]?.has_after ?? false };
    return toPage(order, list.page, found.filter(isTransactionRow), { surroundings, toNode: toStockTransaction });
  });
}

/** How many stock transactions of each product match, in the order of the ids. */
export async function countHistories(
  prisma: PrismaClient,
  productIds: readonly string[],
  filter: StockTransactionFilter,
): Promise<number[]> {
  if (productIds.length === 0) return [];
  const rows = await prisma.$queryRaw<{ product_id: string; count: bigint }[]>`
    SELECT product_id, count(*) AS count
    FROM stock_transaction
    WHERE product_id = ANY(${[...new Set(productIds)]}::text[]) AND ${matches(filter)}
    GROUP BY product_id`;
  const counts = new Map(rows.map((row) => [row.product_id, Number(row.count)]));
  return productIds.map((productId) => counts.get(productId) ?? 0);
}

interface Around {
  /** The product's place among those asked for, from 1. */
  readonly place: bigint;
  readonly has_before: boolean;
  readonly has_after: boolean;
}

type HistoryPageRow = Around & (StockTransactionRow | { readonly product_id: null });

function isTransactionRow(row: HistoryPageRow): row is Around & StockTransactionRow {
  return row.product_id !== null;
}

type HistoryOrder = KeysetOrder<StockTransactionRow, readonly [number]>;

const oldestFirst: HistoryOrder = {
  cursors: new CursorCodec("history:OLDEST_FIRST", [integerPart]),
  keyOf: (row) => [row.version],
  rowsOn: (side, [version], inclusive) => Prisma.sql`version ${comparison(side, inclusive)} ${version}::int`,
  orderBy: (reversed) => Prisma.sql`version ${direction(reversed)}`,
};

const newestFirst: HistoryOrder = {
  cursors: new CursorCodec("history:NEWEST_FIRST", [integerPart]),
  keyOf: (row) => [row.version],
  rowsOn: (side, [version], inclusive) => Prisma.sql`version ${reverseComparison(side, inclusive)} ${version}::int`,
  orderBy: (reversed) => Prisma.sql`version ${direction(!reversed)}`,
};
