import type { StockAction, StockReason } from "../inventory/actions.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";
import type { StockRecord } from "../inventory/stock.ts";

/** A row of the table stock, as a raw statement returns it. */
export interface StockRow {
  readonly product_id: string;
  readonly available: number;
  readonly allocated: number;
  readonly version: number;
  readonly tracked: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A row of the table stock_transaction, as a raw statement returns it, but for the columns that only order it. */
export interface StockTransactionRow {
  readonly product_id: string;
  readonly version: number;
  readonly id: string;
  readonly action: StockAction;
  readonly quantity: number;
  readonly available_after: number;
  readonly allocated_after: number;
  readonly reason: StockReason | null;
  readonly reference: string | null;
  readonly note: string | null;
  readonly actor: string;
  readonly idempotency_key: string | null;
  readonly created_at: Date;
}

/** What a row of the table stock says, in the domain's words. */
export function toStockRecord(row: StockRow): StockRecord {
  return {
    productId: row.product_id,
    available: row.available,
    allocated: row.allocated,
    version: row.version,
    tracked: row.tracked,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What a row of the ledger says, in the domain's words. */
export function toStockTransaction(row: StockTransactionRow): StockTransaction {
  return {
    id: row.id,
    productId: row.product_id,
    action: row.action,
    quantity: row.quantity,
    availableAfter: row.available_after,
    allocatedAfter: row.allocated_after,
    version: row.version,
    reason: row.reason,
    reference: row.reference,
    note: row.note,
    actor: row.actor,
    idempotencyKey: row.idempotency_key,
    createdAt: row.created_at,
  };
}
