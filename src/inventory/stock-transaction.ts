import type { StockAction, StockReason } from "./actions.ts";
import type { Refusal } from "./errors.ts";
import type { Stock } from "./stock.ts";

/** One accepted change to one product's stock. Never changed, never deleted. */
export interface StockTransaction {
  /** UUID v7. */
  readonly id: string;
  readonly productId: string;
  readonly action: StockAction;
  readonly quantity: number;
  readonly availableAfter: number;
  readonly allocatedAfter: number;
  /** The product's version right after it. */
  readonly version: number;
  readonly reason: StockReason | null;
  readonly reference: string | null;
  readonly note: string | null;
  /** The API client that did it. */
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly createdAt: Date;
}

/** What became of a request for a stock transaction. */
export type StockTransactionOutcome =
  | { readonly kind: "applied"; readonly transaction: StockTransaction; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly replayed: boolean };

/** What became of any command. */
export type Outcome =
  | StockTransactionOutcome
  | {
      readonly kind: "deleted";
      /** The last levels. */
      readonly stock: Stock;
    };
