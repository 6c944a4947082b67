import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";

/** Whether the gateway would list the stock transaction under the filter. */
export function fits(stockTransaction: StockTransactionFieldsFragment, filter: StockTransactionFilter): boolean {
  const { productId, action, reason, actor, reference, createdAt } = stockTransaction;
  const { createdSince, createdBefore } = filter;
  return (
    isOneOf(productId, filter.productIds) &&
    isOneOf(action, filter.actions) &&
    isOneOf(reason, filter.reasons) &&
    isOneOf(actor, filter.actors) &&
    (filter.reference == null || filter.reference === reference) &&
    (createdSince == null || Date.parse(createdAt) >= Date.parse(createdSince)) &&
    (createdBefore == null || Date.parse(createdAt) < Date.parse(createdBefore))
  );
}

function isOneOf<Value>(value: Value | null, values: readonly Value[] | null | undefined): boolean {
  return values == null || (value !== null && values.includes(value));
}
