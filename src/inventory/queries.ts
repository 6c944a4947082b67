import type { StockAction, StockReason } from "./actions.ts";
import type { StockTransaction, StockTransactionOutcome } from "./stock-transaction.ts";
import type { Stock } from "./stock.ts";

/** The most items of one page, and how many there are when nothing is said. */
export const pageSizeMax = 100;
export const pageSizeDefault = 25;

/** Part of a list. Cursors are opaque text made by the list they came from. */
export interface PageRequest {
  /** 1 … {@link pageSizeMax}, or more where a transport allows it. */
  readonly limit: number;
  /** "forward" takes the items right after `after`; "backward" the ones right before `before`. Both come in the list's order. */
  readonly direction: "forward" | "backward";
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** Records to skip, for callers that count pages; 0 … 10 000. */
  readonly offset?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly { readonly cursor: string; readonly node: T }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export interface StockFilter {
  readonly productIdPrefix?: string | undefined;
  readonly availableAtMost?: number | undefined;
  readonly availableAtLeast?: number | undefined;
  readonly allocatedAtLeast?: number | undefined;
  readonly updatedSince?: Date | undefined;
}

export type StockOrder = "PRODUCT_ID" | "AVAILABLE" | "UPDATED_AT_DESC";

export interface StockTransactionFilter {
  readonly productIds?: readonly string[] | undefined;
  readonly actions?: readonly StockAction[] | undefined;
  readonly reasons?: readonly StockReason[] | undefined;
  readonly actors?: readonly string[] | undefined;
  readonly reference?: string | undefined;
  readonly createdSince?: Date | undefined;
  readonly createdBefore?: Date | undefined;
}

export type StockTransactionOrder = "NEWEST_FIRST" | "OLDEST_FIRST";

export interface StockList {
  readonly filter: StockFilter;
  readonly orderBy: StockOrder;
  readonly page: PageRequest;
}

export interface StockTransactionList {
  readonly filter: StockTransactionFilter;
  readonly orderBy: StockTransactionOrder;
  readonly page: PageRequest;
}

/**
 * Everything that can be asked of the inventory. Only tracked products have stock; stock transactions stay for ever.
 * Every call may throw ServiceUnavailableError while the database is away, and InvalidInputError for a made-up cursor.
 */
export interface InventoryQueries {
  /** The stock of each product, in the order asked; null where it is not tracked. One statement however many ids. */
  findStocks(productIds: readonly string[]): Promise<readonly (Stock | null)[]>;
  /** As it stood right after the last change at or before that instant; null where it was not tracked then. */
  findStockAt(productId: string, at: Date): Promise<Stock | null>;
  listStocks(list: StockList): Promise<Page<Stock>>;
  countStocks(filter: StockFilter): Promise<number>;
  /** In the order of the ids; null for an id that is none. One statement however many ids. */
  findStockTransactions(ids: readonly string[]): Promise<(StockTransaction | null)[]>;
  /**
   * The ledger over all products, in the installation's one order, which agrees with version order for each product.
   * OLDEST_FIRST ends before the first place that a running transaction may still fill: who reads on from the last
   * cursor misses nothing.
   */
  listStockTransactions(list: StockTransactionList): Promise<Page<StockTransaction>>;
  countStockTransactions(filter: StockTransactionFilter): Promise<number>;
  /** The same page of several products' histories, in the order of the ids and by version. One statement however many ids. */
  listHistories(productIds: readonly string[], list: StockTransactionList): Promise<Page<StockTransaction>[]>;
  countHistories(productIds: readonly string[], filter: StockTransactionFilter): Promise<number[]>;
  /** What the client's key was spent on; null when it never was. `replayed` is true. */
  findOutcome(clientId: string, idempotencyKey: string): Promise<StockTransactionOutcome | null>;
}
