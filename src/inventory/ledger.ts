import type { StockTransaction } from "./stock-transaction.ts";

/** One stock transaction in its place in the installation's order. */
export interface LedgerEntry {
  /** The place: grows, with gaps, in the order of OLDEST_FIRST. */
  readonly position: bigint;
  /** The same for clients, who also get it from `stockTransactions(orderBy: OLDEST_FIRST)`. */
  readonly cursor: string;
  readonly node: StockTransaction;
}

/** What a part of the ledger is asked for with. */
export interface LedgerRange {
  /** Not included. */
  readonly after: bigint;
  /** Included; settled already. */
  readonly upTo: bigint;
  /** Null for all products. */
  readonly productIds: ReadonlySet<string> | null;
}

/**
 * The ledger as a log to be followed: only as far as it is settled, so that no entry can appear at or before one that
 * was read, and only what is where it can't be taken back. Every call throws ServiceUnavailableError while the database is away.
 */
export interface Ledger {
  /**
   * @returns the place that a cursor of `stockTransactions(orderBy: OLDEST_FIRST)` stands for
   * @throws InvalidInputError for anything else, and for a place that this ledger has not reached
   */
  findPosition(cursor: string): Promise<bigint>;
  /** @returns the newest settled entries, in order; null while none can be told to be settled */
  readNewest(): Promise<LedgerTail | null>;
  /**
   * @param position one that was read, or that of an empty ledger
   * @returns the settled entries right after it, in order
   * @throws InvalidInputError where the ledger lacks that place: it was put back to an earlier state
   */
  readAfter(position: bigint): Promise<LedgerAdvance>;
  /** @returns the first entries of the range that are about its products, as many as one answer holds */
  readRange(range: LedgerRange): Promise<LedgerPart>;
}

/** The newest part of the ledger. */
export interface LedgerTail {
  /** All of those whose position is above `after`. */
  readonly entries: readonly LedgerEntry[];
  readonly after: bigint;
}

/** Some of a range. */
export interface LedgerPart {
  readonly entries: readonly LedgerEntry[];
  /** Nothing up to here is missing. */
  readonly readUpTo: bigint;
}

/** What has been added to the ledger. */
export interface LedgerAdvance {
  readonly entries: readonly LedgerEntry[];
  /** Whether there were more than one answer holds. */
  readonly isFull: boolean;
  /** Whether there are more that are not settled yet. */
  readonly hasUnsettled: boolean;
}

/** Tells that something may have been added to the ledger, by this gateway or another. Signals may be lost. */
export interface ChangeSignal {
  /** @returns stops it */
  onChange(listener: () => void): () => void;
}
