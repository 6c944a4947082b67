import type { StockAction, StockReason } from "./actions.ts";

/** The most lines one batch may have. */
export const batchLinesMax = 1_000;

/** A stock transaction as a caller asks for it, checked: see {@link parseStockTransactionInput}. */
export interface StockTransactionInput {
  readonly productId: string;
  readonly action: StockAction;
  /** Whole units, 1 … 2 147 483 647; CREATE also takes 0. */
  readonly quantity: number;
  readonly idempotencyKey: string | null;
  readonly expectedVersion: number | null;
  readonly reason: StockReason | null;
  readonly reference: string | null;
  readonly note: string | null;
}

/** Asks for one stock transaction. */
export interface CreateStockTransaction extends StockTransactionInput {
  readonly kind: "create-stock-transaction";
  /** UUID v7; the id of the stock transaction if it is accepted. */
  readonly id: string;
  /** Who asks: the API client of the token. Idempotency keys are scoped to it. */
  readonly clientId: string;
  /** SHA-256 of the arguments, by which a reused idempotency key is told from a repeated one. */
  readonly fingerprint: string;
}

/** Asks to stop tracking one product. */
export interface DeleteStock {
  readonly kind: "delete-stock";
  /** UUID v7. */
  readonly id: string;
  readonly clientId: string;
  readonly productId: string;
  readonly expectedVersion: number | null;
}

export type Command = CreateStockTransaction | DeleteStock;

/** ALL_OR_NOTHING: all lines are applied, or none. EACH: every line stands for itself. */
export type BatchPolicy = "ALL_OR_NOTHING" | "EACH";

/** The commands of one request, in the order given; settled in one database transaction. */
export interface CommandBatch {
  readonly policy: BatchPolicy;
  readonly commands: readonly Command[];
}
