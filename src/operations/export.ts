import type { Writable } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringify } from "csv-stringify/sync";
import type { InventoryQueries, Page, StockTransactionFilter } from "../inventory/queries.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";
import { totalOf } from "../inventory/stock.ts";
import type { Stock } from "../inventory/stock.ts";
import type { Progress } from "./progress.ts";

/** csv is for people and spreadsheets, jsonl, one JSON object a line, for programs. */
export const exportFormats = ["csv", "jsonl"] as const;

export interface ExportOptions {
  readonly format: (typeof exportFormats)[number];
  /**
   * Whether a text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line break) gets a ' in
   * front. CSV only.
   */
  readonly guardsFormulas: boolean;
  readonly progress: Progress;
}

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** Several hundred times what one statement costs apart from its rows, and still little memory. */
const rowsPerPage = 5_000;

/**
 * Writes the stock of every product that is tracked, by product id: each as it stood when its page was read.
 * @returns how many
 * @throws ServiceUnavailableError, and what the target throws
 */
export async function exportStock(
  queries: InventoryQueries,
  target: Writable,
  options: ExportOptions,
): Promise<number> {
  const list = { filter: {}, orderBy: "PRODUCT_ID" } as const;
  options.progress.start(await queries.countStocks(list.filter));
  const read = (after: string | undefined): Promise<Page<Stock>> =>
    queries.listStocks({ ...list, page: { limit: rowsPerPage, direction: "forward", after } });
  return write(stockColumns, pagesOf(read, stockRowOf), target, options);
}

/**
 * Writes the stock transactions of all products, in the ledger's order. It ends where a running transaction may still
 * write, so that who exports by time again misses none.
 * @returns how many
 * @throws ServiceUnavailableError, and what the target throws
 */
export async function exportLedger(
  queries: InventoryQueries,
  filter: Pick<StockTransactionFilter, "createdSince" | "createdBefore">,
  target: Writable,
  options: ExportOptions,
): Promise<number> {
  options.progress.start(await queries.countStockTransactions(filter));
  const read = (after: string | undefined): Promise<Page<StockTransaction>> =>
    queries.listStockTransactions({
      filter,
      orderBy: "OLDEST_FIRST",
      page: { limit: rowsPerPage, direction: "forward", after },
    });
  return write(ledgerColumns, pagesOf(read, ledgerRowOf), target, options);
}

/** One page is read while none is kept but the one that is written. */
async function* pagesOf<T>(
  read: (after: string | undefined) => Promise<Page<T>>,
  toRow: (node: T) => Row,
): AsyncGenerator<readonly Row[]> {
  let after: string | undefined;
  for (;;) {
    const page = await read(after);
    if (page.items.length > 0) yield page.items.map(({ node }) => toRow(node));
    after = page.items.at(-1)?.cursor;
    if (!page.hasNextPage || after === undefined) return;
  }
}

async function write(
  columns: readonly string[],
  pages: AsyncIterable<readonly Row[]>,
  target: Writable,
  { format, guardsFormulas, progress }: ExportOptions,
): Promise<number> {
  let written = 0;
  const toCsv = (rows: readonly Row[], header: boolean): string =>
    stringify([...rows], {
      columns: [...columns],
      header,
      record_delimiter: "windows",
      escape_formulas: guardsFormulas,
    });
  async function* chunks(): AsyncGenerator<string> {
    if (format === "csv") yield toCsv([], true);
    for await (const rows of pages) {
      yield format === "csv" ? toCsv(rows, false) : rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      written += rows.length;
      progress.advance(rows.length);
    }
  }
  try {
    await pipeline(Readable.from(chunks()), target);
  } finally {
    progress.stop();
  }
  return written;
}

const stockColumns = ["productId", "available", "allocated", "total", "version", "createdAt", "updatedAt"];

function stockRowOf(stock: Stock): Row {
  return {
    productId: stock.productId,
    available: stock.available,
    allocated: stock.allocated,
    total: totalOf(stock),
    version: stock.version,
    createdAt: stock.createdAt.toISOString(),
    updatedAt: stock.updatedAt.toISOString(),
  };
}

const ledgerColumns = [
  "id",
  "productId",
  "version",
  "action",
  "quantity",
  "availableAfter",
  "allocatedAfter",
  "reason",
  "reference",
  "note",
  "actor",
  "idempotencyKey",
  "createdAt",
];

function ledgerRowOf(transaction: StockTransaction): Row {
  const { productId, version, id, createdAt, ...rest } = transaction;
  return { id, productId, version, ...rest, createdAt: createdAt.toISOString() };
}
