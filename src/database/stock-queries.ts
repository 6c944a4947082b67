import type { Page, PageRequest, StockFilter, StockList } from "../inventory/queries.ts";
import type { Stock } from "../inventory/stock.ts";
import { CursorCodec, instantPart, integerPart, textPart } from "./cursor.ts";
import { Prisma } from "./generated/client.ts";
import type { PrismaClient } from "./generated/client.ts";
import { allOf, comparison, direction, existsIn, reverseComparison, toPage, toPageStatement } from "./keyset-list.ts";
import type { KeysetOrder, PageSurroundings } from "./keyset-list.ts";
import { toStockRecord } from "./rows.ts";
import type { StockRow } from "./rows.ts";

const columns = Prisma.sql`product_id, available, allocated, version, tracked, created_at, updated_at`;

/** In the order of the ids; null where a product is not tracked. */
export async function findStocks(prisma: PrismaClient, productIds: readonly string[]): Promise<(Stock | null)[]> {
  const distinct = [...new Set(productIds)];
  if (distinct.length === 0) return [];
  const rows = await prisma.$queryRaw<StockRow[]>`
    SELECT ${columns} FROM stock WHERE product_id = ANY(${distinct}::text[]) AND tracked`;
  const stocks = new Map(rows.map((row) => [row.product_id, toStock(row)]));
  return productIds.map((productId) => stocks.get(productId) ?? null);
}

/**
 * The stock as the last ledger row at or before the instant left it, unless tracking had ended by then. A product's
 * instants never run backwards while its version grows without a gap, so the row is found by halving: some twenty
 * look-ups by primary key in a history of a million.
 */
export async function findStockAt(prisma: PrismaClient, productId: string, at: Date): Promise<Stock | null> {
  const rows = await prisma.$queryRaw<StockRow[]>`
    WITH RECURSIVE search (low, high) AS (
      SELECT 0::bigint, version::bigint FROM stock WHERE product_id = ${productId}
      UNION ALL
      SELECT CASE WHEN middle.created_at <= ${at}::timestamptz THEN middle.version ELSE search.low END,
             CASE WHEN middle.created_at <= ${at}::timestamptz THEN search.high ELSE middle.version - 1 END
      FROM search
      JOIN stock_transaction AS middle
        ON middle.product_id = ${productId} AND middle.version = ((search.low + search.high + 1) / 2)::int
      WHERE search.low < search.high
    ), found AS (
      SELECT low::int AS version FROM search WHERE low = high
    )
    SELECT last.product_id, last.available_after AS available, last.allocated_after AS allocated, last.version,
           TRUE AS tracked, opening.created_at, last.created_at AS updated_at
    FROM found
    JOIN stock_transaction AS last ON last.product_id = ${productId} AND last.version = found.version
    JOIN stock_transaction AS opening ON opening.product_id = last.product_id AND opening.version = 1 + COALESCE((
      SELECT max(deletion.version) FROM stock_deletion AS deletion
      WHERE deletion.product_id = last.product_id AND deletion.version < last.version), 0)
    WHERE NOT EXISTS (
      SELECT 1 FROM stock_deletion AS deletion
      WHERE deletion.product_id = last.product_id AND deletion.version = last.version AND deletion.created_at <= ${at}::timestamptz)`;
  const [row] = rows;
  return row === undefined ? null : toStock(row);
}

/** One page of the tracked products' stock, in one statement. */
export async function listStocks(prisma: PrismaClient, { filter, orderBy, page }: StockList): Promise<Page<Stock>> {
  if (orderBy === "PRODUCT_ID") return listStocksIn(prisma, filter, byProductId, page);
  if (orderBy === "AVAILABLE") return listStocksIn(prisma, filter, byAvailable, page);
  return listStocksIn(prisma, filter, byUpdatedAt, page);
}

/** How many tracked products match. */
export async function countStocks(prisma: PrismaClient, filter: StockFilter): Promise<number> {
  const [row] = await prisma.$queryRaw<
    { count: bigint }[]
  >`SELECT count(*) AS count FROM stock WHERE ${matches(filter)}`;
  return Number(row?.count ?? 0n);
}

type PageRow = PageRowSurroundings & (StockRow | { readonly product_id: null });

interface PageRowSurroundings {
  readonly has_before: boolean;
  readonly has_after: boolean;
}

async function listStocksIn<Key extends readonly unknown[]>(
  prisma: PrismaClient,
  filter: StockFilter,
  order: KeysetOrder<StockRow, Key>,
  request: PageRequest,
): Promise<Page<Stock>> {
  const statement = toPageStatement(order, request);
  const list = Prisma.sql`stock WHERE ${matches(filter)}`;
  const rows = await prisma.$queryRaw<PageRow[]>`
    SELECT around.has_before, around.has_after, page.*
    FROM (
      SELECT ${existsIn(list, statement.beforeRange)} AS has_before, ${existsIn(list, statement.afterRange)} AS has_after
    ) AS around
    LEFT JOIN (
      SELECT ${columns} FROM ${list} AND ${statement.range}
      ORDER BY ${statement.orderBy}
      LIMIT ${statement.limit}::int OFFSET ${statement.offset}::int
    ) AS page ON TRUE
    ORDER BY ${statement.orderBy}`;
  return toPage(order, request, rows.filter(isStockRow), { surroundings: toSurroundings(rows[0]), toNode: toStock });
}

function isStockRow(row: PageRow): row is PageRowSurroundings & StockRow {
  return row.product_id !== null;
}

function toSurroundings(row: PageRowSurroundings | undefined): PageSurroundings {
  return { hasBefore: row?.has_before ?? false, hasAfter: row?.has_after ?? false };
}

function toStock(row: StockRow): Stock {
  const { tracked: _tracked, ...stock } = toStockRecord(row);
  return stock;
}

function matches(filter: StockFilter): Prisma.Sql {
  const { productIdPrefix, availableAtMost, availableAtLeast, allocatedAtLeast, updatedSince } = filter;
  return allOf([
    Prisma.sql`tracked`,
    ...(productIdPrefix === undefined ? [] : [Prisma.sql`starts_with(product_id, ${productIdPrefix})`]),
    ...(availableAtMost === undefined ? [] : [Prisma.sql`available <= ${availableAtMost}::int`]),
    ...(availableAtLeast === undefined ? [] : [Prisma.sql`available >= ${availableAtLeast}::int`]),
    ...(allocatedAtLeast === undefined ? [] : [Prisma.sql`allocated >= ${allocatedAtLeast}::int`]),
    ...(updatedSince === undefined ? [] : [Prisma.sql`updated_at >= ${updatedSince}::timestamptz`]),
  ]);
}

const byProductId: KeysetOrder<StockRow, readonly [string]> = {
  cursors: new CursorCodec("stocks:PRODUCT_ID", [textPart]),
  keyOf: (row) => [row.product_id],
  rowsOn: (side, [productId], inclusive) => Prisma.sql`product_id ${comparison(side, inclusive)} ${productId}`,
  orderBy: (reversed) => Prisma.sql`product_id ${direction(reversed)}`,
};

const byAvailable: KeysetOrder<StockRow, readonly [number, string]> = {
  cursors: new CursorCodec("stocks:AVAILABLE", [integerPart, textPart]),
  keyOf: (row) => [row.available, row.product_id],
  rowsOn: (side, [available, productId], inclusive) =>
    Prisma.sql`(available, product_id) ${comparison(side, inclusive)} (${available}::int, ${productId})`,
  orderBy: (reversed) => Prisma.sql`available ${direction(reversed)}, product_id ${direction(reversed)}`,
};

/** The columns run opposite ways, which no comparison of rows can say: the first condition is there for the index. */
const byUpdatedAt: KeysetOrder<StockRow, readonly [Date, string]> = {
  cursors: new CursorCodec("stocks:UPDATED_AT_DESC", [instantPart, textPart]),
  keyOf: (row) => [row.updated_at, row.product_id],
  rowsOn: (side, [updatedAt, productId], inclusive) => Prisma.sql`
    (updated_at ${reverseComparison(side, true)} ${updatedAt}::timestamptz
     AND (updated_at ${reverseComparison(side, false)} ${updatedAt}::timestamptz
          OR product_id ${comparison(side, inclusive)} ${productId}))`,
  orderBy: (reversed) => Prisma.sql`updated_at ${direction(!reversed)}, product_id ${direction(reversed)}`,
};
