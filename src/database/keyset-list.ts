import type { Page, PageRequest } from "../inventory/queries.ts";
import type { CursorCodec } from "./cursor.ts";
import { Prisma } from "./generated/client.ts";

/** On which side of a place: in the list's order, whatever way its columns are sorted. */
export type Side = "after" | "before";

/**
 * A list with a total order, read page by page from a place on: what comes before a page is never read, however far down
 * the list it is.
 */
export interface KeysetOrder<Row, Key extends readonly unknown[]> {
  readonly cursors: CursorCodec<Key>;
  keyOf(row: Row): Key;
  /** The condition for rows on one side of a place, without the place itself or, if `inclusive`, with it. */
  rowsOn(side: Side, key: Key, inclusive: boolean): Prisma.Sql;
  /** ORDER BY's list: in the order itself, or in its reverse. */
  orderBy(reversed: boolean): Prisma.Sql;
}

/** The parts of a statement that reads one page. */
export interface PageStatement {
  /** Rows between the cursors. */
  readonly range: Prisma.Sql;
  readonly orderBy: Prisma.Sql;
  /** One more than the page may have, which tells whether there are others. */
  readonly limit: number;
  readonly offset: number;
  /** Conditions for rows in the list that the cursors leave out; null where there can be none. */
  readonly beforeRange: Prisma.Sql | null;
  readonly afterRange: Prisma.Sql | null;
}

/** What a page's statement says apart from its rows: whether the cursors, or the offset, leave rows out on either side. */
export interface PageSurroundings {
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

/**
 * Turns a page's request into conditions.
 * @throws InvalidInputError for a cursor that is not of this list
 */
export function toPageStatement<Row, Key extends readonly unknown[]>(
  order: KeysetOrder<Row, Key>,
  page: PageRequest,
): PageStatement {
  const after = page.after === undefined ? null : order.cursors.decode(page.after, "after");
  const before = page.before === undefined ? null : order.cursors.decode(page.before, "before");
  const conditions = [
    ...(after === null ? [] : [order.rowsOn("after", after, false)]),
    ...(before === null ? [] : [order.rowsOn("before", before, false)]),
  ];
  return {
    range: allOf(conditions),
    orderBy: order.orderBy(page.direction === "backward"),
    limit: page.limit + 1,
    offset: page.offset ?? 0,
    beforeRange: after === null ? null : order.rowsOn("before", after, true),
    afterRange: before === null ? null : order.rowsOn("after", before, true),
  };
}

/** A page of the rows that a {@link PageStatement} answered with, put back into the list's order. */
export function toPage<Row, Key extends readonly unknown[], T>(
  order: KeysetOrder<Row, Key>,
  request: PageRequest,
  rows: readonly Row[],
  options: { surroundings: PageSurroundings; toNode: (row: Row) => T },
): Page<T> {
  const { surroundings, toNode } = options;
  const hasMore = rows.length > request.limit;
  const skipped = (request.offset ?? 0) > 0 && rows.length > 0;
  const kept = rows.slice(0, request.limit);
  const isBackward = request.direction === "backward";
  if (isBackward) kept.reverse();
  return {
    items: kept.map((row) => ({ cursor: order.cursors.encode(order.keyOf(row)), node: toNode(row) })),
    hasNextPage: surroundings.hasAfter || (isBackward ? skipped : hasMore),
    hasPreviousPage: surroundings.hasBefore || (isBackward ? hasMore : skipped),
  };
}

/** All of the conditions; TRUE of none. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join([...conditions], " AND ");
}

/** How rows on one side of a place compare with it in a column that is sorted ascending. */
export function comparison(side: Side, inclusive: boolean): Prisma.Sql {
  const operator = side === "after" ? ">" : "<";
  return Prisma.raw(inclusive ? `${operator}=` : operator);
}

/** The same in a column that is sorted descending. */
export function reverseComparison(side: Side, inclusive: boolean): Prisma.Sql {
  return comparison(side === "after" ? "before" : "after", inclusive);
}

/** ASC or DESC. */
export function direction(reversed: boolean): Prisma.Sql {
  return Prisma.raw(reversed ? "DESC" : "ASC");
}

/** EXISTS of the condition; FALSE where nothing has to be looked for. */
export function existsIn(from: Prisma.Sql, condition: Prisma.Sql | null): Prisma.Sql {
  return condition === null ? Prisma.sql`FALSE` : Prisma.sql`EXISTS (SELECT 1 FROM ${from} AND ${condition})`;
}
