import type { ApolloCache, Reference } from "@apollo/client";
import { makeVar } from "@apollo/client";
import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";
import { StockFieldsFragmentDoc, StockTransactionFieldsFragmentDoc } from "../generated/operations.ts";
import { fits } from "./history-filter.ts";

type News = readonly StockTransactionFieldsFragment[];

/** A list of stock transactions as the cache keeps it. */
interface StoredConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: Reference }[];
}

/** Where a stock transaction that was seen before can be expected: further down nobody pages while it is news. */
const seenWithin = 1_000;
/** A list that has grown longer than this by news is loaded anew when it is looked at. */
const edgesMax = 5_000;

/** More new products than this are not told of: whoever has not looked by then loads the list anew anyway. */
const newProductsMax = 1_000;

/** Products that began to be tracked since the lists were loaded, which therefore don't have them. */
export const newProductIds = makeVar<ReadonlySet<string>>(new Set());

/**
 * Puts accepted stock transactions into the cache: the products' levels, and the lists of history that they belong to. What
 * the cache knows already, or something newer, stays.
 * @param news in the order of their versions
 */
export function mergeStockTransactions(cache: ApolloCache, news: News): void {
  const byProduct = Map.groupBy(news, ({ productId }) => productId);
  cache.batch({
    update: (batch) => {
      const references = new Map(news.map((stockTransaction) => [write(batch, stockTransaction), stockTransaction]));
      for (const [productId, ofProduct] of byProduct) {
        const id = batch.identify({ __typename: "Stock", productId }) ?? "";
        mergeLevels(batch, id, ofProduct);
        const mine = new Map([...references].filter(([, { productId: other }]) => other === productId));
        batch.modify({ id, fields: { transactions: prepending(mine) } });
      }
      batch.modify({ fields: { stockTransactions: prepending(references) } });
    },
  });
  noteNewProducts(news);
}

function write(cache: ApolloCache, stockTransaction: StockTransactionFieldsFragment): string {
  const fragment = { fragment: StockTransactionFieldsFragmentDoc, fragmentName: "StockTransactionFields" };
  return cache.writeFragment({ ...fragment, data: stockTransaction })?.__ref ?? "";
}

function mergeLevels(cache: ApolloCache, id: string, news: News): void {
  const last = news.at(-1);
  if (last === undefined) return;
  const fragment = { id, fragment: StockFieldsFragmentDoc, fragmentName: "StockFields" };
  const known = cache.readFragment(fragment);
  if (known !== null && known.version >= last.version) return;
  const data = {
    __typename: "Stock",
    productId: last.productId,
    available: last.availableAfter,
    allocated: last.allocatedAfter,
    total: last.availableAfter + last.allocatedAfter,
    version: last.version,
    updatedAt: last.createdAt,
  };
  cache.writeFragment({ ...fragment, data });
  // Whoever was told that the product is not tracked is told now that it is.
  cache.modify({ fields: { stock: (value: unknown, { DELETE }) => (value === null ? DELETE : value) } });
}

interface FieldDetails {
  readonly storeFieldName: string;
  readonly DELETE: unknown;
}

/** Puts those that the list's filter lets through, and that it doesn't have, before the others: the newest first. */
function prepending(news: ReadonlyMap<string, StockTransactionFieldsFragment>) {
  return (list: unknown, { storeFieldName, DELETE }: FieldDetails): unknown => {
    if (!isConnection(list)) return list;
    const filter = filterOf(storeFieldName);
    const seen = new Set(list.edges.slice(0, seenWithin).map(({ node }) => node.__ref));
    const added = [...news]
      .filter(([reference, stockTransaction]) => !seen.has(reference) && fits(stockTransaction, filter))
      .map(([reference]) => ({ __typename: "StockTransactionEdge", cursor: "", node: { __ref: reference } }))
      .toReversed();
    if (added.length === 0) return list;
    if (list.edges.length + added.length > edgesMax) return DELETE;
    return { ...list, edges: [...added, ...list.edges] };
  };
}

function noteNewProducts(news: News): void {
  const ids = news
    .filter(({ version, action }) => version === 1 || action === "CREATE")
    .map(({ productId }) => productId);
  const known = newProductIds();
  if (ids.length > 0 && known.size < newProductsMax) newProductIds(new Set([...known, ...ids]));
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
