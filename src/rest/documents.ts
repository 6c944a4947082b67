import { totalOf } from "../inventory/stock.ts";
import type { Levels } from "../inventory/stock.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";

/** The stock of one product in the vendor's form. */
export function stockDocumentOf(productId: string, { available, allocated }: Levels): object {
  return { id: productId, type: "stock", total: totalOf({ available, allocated }), available, allocated };
}

/** One stock transaction in the vendor's form; what the vendor doesn't know is there only where it was given. */
export function stockTransactionDocumentOf(transaction: StockTransaction): object {
  const { id, action, productId, quantity, reason, reference, note, createdAt } = transaction;
  return {
    id,
    type: "stock-transaction",
    action: action.toLowerCase(),
    product_id: productId,
    quantity,
    ...(reason === null ? {} : { reason: reason.toLowerCase() }),
    ...(reference === null ? {} : { reference }),
    ...(note === null ? {} : { note }),
    timestamps: { created_at: timestampOf(createdAt) },
  };
}

/** `2018-05-01 10:10:57 +0000 UTC`: whole seconds, as the vendor prints them. */
function timestampOf(instant: Date): string {
  return `${instant.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
