import type { ApolloCache, Reference } from "@apollo/client";
import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";
import { StockFieldsFragmentDoc, StockTransactionFieldsFragmentDoc } from "../generated/operations.ts";
import { fits } from "./history-filter.ts";

/** A list of stock transactions as the cache keeps it. */
interface StoredConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: Reference }[];
}

/** Where a stock transaction that was seen before can be expected: further down nobody pages while it is news. */
const seenWithin = 200;

/**
 * Puts accepted stock transactions into the cache, in the order of their versions: the product's levels, and the lists of
 * history that they belong to. What the cache knows already, or something newer, stays.
 */
export function mergeStockTransactions(cache: ApolloCache, news: readonly StockTransactionFieldsFragment[]): void {
  cache.batch({
    update: (batch) => {
      for (const stockTransaction of news) {
        mergeLevels(batch, stockTransaction);
        mergeHistory(batch, stockTransaction);
      }
    },
  });
}

function mergeLevels(cache: ApolloCache, stockTransaction: StockTransactionFieldsFragment): void {
  const { productId, availableAfter, allocatedAfter, version, createdAt } = stockTransaction;
  const id = cache.identify({ __typename: "Stock", productId }) ?? "";
  const fragment = { id, fragment: StockFieldsFragmentDoc, fragmentName: "StockFields" };
  const known = cache.readFragment(fragment);
  if (known !== null && known.version >= version) return;
  const data = {
    __typename: "Stock",
    productId,
    available: availableAfter,
    allocated: allocatedAfter,
    total: availableAfter + allocatedAfter,
    version,
    updatedAt: createdAt,
  };
  cache.writeFragment({ ...fragment, data });
  // Whoever was told that the product is not tracked is told now that it is.
  cache.modify({ fields: { stock: (value: unknown, { DELETE }) => (value === null ? DELETE : value) } });
}

function mergeHistory(cache: ApolloCache, stockTransaction: StockTransactionFieldsFragment): void {
  const reference = cache.writeFragment({
    fragment: StockTransactionFieldsFragmentDoc,
    fragmentName: "StockTransactionFields",
    data: stockTransaction,
  });
  if (reference === undefined) return;
  const prepend = (list: unknown, { storeFieldName }: { storeFieldName: string }): unknown => {
    if (!isConnection(list) || !fits(stockTransaction, filterOf(storeFieldName))) return list;
    if (list.edges.slice(0, seenWithin).some(({ node }) => node.__ref === reference.__ref)) return list;
    return { ...list, edges: [{ __typename: "StockTransactionEdge", cursor: "", node: reference }, ...list.edges] };
  };
  const id = cache.identify({ __typename: "Stock", productId: stockTransaction.productId });
  if (id !== undefined) cache.modify({ id, fields: { transactions: prepend } });
  cache.modify({ fields: { stockTransactions: prepend } });
}

function isConnection(value: unknown): value is StoredConnection {
  return typeof value === "object" && value !== null && Array.isArray(Reflect.get(value, "edges"));
}

/** Of a name like `transactions:{"filter":{"actions":["CREATE"]}}`, which the cache makes of the field's arguments. */
function filterOf(storeFieldName: string): StockTransactionFilter {
  const start = storeFieldName.indexOf("{");
  if (start === -1) return {};
  const args: { readonly filter?: StockTransactionFilter | null } = JSON.parse(storeFieldName.slice(start));
  return args.filter ?? {};
}
