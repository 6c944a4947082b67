import type { Refusal } from "./errors.ts";
import type { Outcome, StockTransaction } from "./stock-transaction.ts";
import type { StockRecord } from "./stock.ts";

/** What an idempotency key was spent on: from then on it is answered with this. */
export interface SpentKey {
  readonly clientId: string;
  readonly idempotencyKey: string;
  readonly fingerprint: string;
  /** The attempt that spent it. */
  readonly commandId: string;
  readonly outcome:
    | { readonly kind: "applied"; readonly transaction: StockTransaction }
    | { readonly kind: "refused"; readonly refusal: Refusal };
  readonly createdAt: Date;
}

/** The end of a time in which a product was tracked. */
export interface StockDeletion {
  /** UUID v7 of the command. */
  readonly id: string;
  readonly productId: string;
  /** The product's version then; a deletion doesn't change it. */
  readonly version: number;
  /** The units that were left. */
  readonly available: number;
  readonly actor: string;
  readonly createdAt: Date;
}

/** What {@link settle} decides on: read under the row locks, in the database transaction that writes the decision. */
export interface SettleState {
  /** By product id; a product that never had stock is absent. */
  readonly stocks: ReadonlyMap<string, StockRecord>;
  /** By {@link spentKeyOf}. */
  readonly spentKeys: ReadonlyMap<string, SpentKey>;
  /** By command id: what an earlier attempt at these commands turns out to have written. */
  readonly resolved: ReadonlyMap<string, Outcome>;
}

/** What one group of commands comes to: an answer for each, and all that has to be written. */
export interface Settlement {
  /** By batch, then by command, in the order given. */
  readonly outcomes: readonly (readonly Outcome[])[];
  /** The changed stocks, each with the version it was read with (0: there was none). */
  readonly stocks: readonly { readonly stock: StockRecord; readonly versionBefore: number }[];
  /** In version order for each product. */
  readonly transactions: readonly StockTransaction[];
  readonly deletions: readonly StockDeletion[];
  readonly spentKeys: readonly SpentKey[];
}

/** Whether there is nothing to write: every command was refused, or answered with an earlier outcome. */
export function isEmptySettlement({ stocks, transactions, deletions, spentKeys }: Settlement): boolean {
  return stocks.length + transactions.length + deletions.length + spentKeys.length === 0;
}

/** The map key of a client's idempotency key. Neither part can hold a line break. */
export function spentKeyOf(clientId: string, idempotencyKey: string): string {
  return `${clientId}\n${idempotencyKey}`;
}
