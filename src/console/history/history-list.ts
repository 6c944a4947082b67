import { useQuery } from "@apollo/client/react";
import { useCallback, useMemo } from "react";
import { describeFailure } from "../api/failures.ts";
import { StockHistoryDocument, StockTransactionsDocument } from "../generated/operations.ts";
import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";
import { usePages } from "../grid/use-pages.ts";
import type { Pages } from "../grid/use-pages.ts";

/** A history as far as it has been loaded, and how to go on. */
export interface HistoryList {
  readonly rows: readonly StockTransactionFieldsFragment[];
  readonly isLoading: boolean;
  readonly problem: string | null;
  readonly hasMore: boolean;
  readonly pages: Pages;
  readonly reload: () => void;
}

/** The most that the gateway gives at once. */
const pageSize = 100;

const policies = { fetchPolicy: "cache-and-network", nextFetchPolicy: "cache-first" } as const;

/** Of one tracked product: its own index is by version. */
export function useProductHistory(productId: string, filter: StockTransactionFilter): HistoryList {
  const variables = useMemo(() => ({ productId, filter, first: pageSize }), [productId, filter]);
  const query = useQuery(StockHistoryDocument, { variables, ...policies });
  return useHistory(query.data?.stock?.transactions, query);
}

/** Of all products. */
export function useLedger(filter: StockTransactionFilter): HistoryList {
  const variables = useMemo(() => ({ filter, first: pageSize }), [filter]);
  const query = useQuery(StockTransactionsDocument, { variables, ...policies });
  return useHistory(query.data?.stockTransactions, query);
}

interface Connection {
  readonly edges: readonly { readonly node: StockTransactionFieldsFragment }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Query {
  readonly loading: boolean;
  readonly error?: unknown;
  readonly fetchMore: (options: { variables: { after: string | null } }) => Promise<unknown>;
  readonly refetch: () => Promise<unknown>;
}

function useHistory(connection: Connection | undefined, query: Query): HistoryList {
  const { loading, error, fetchMore, refetch } = query;
  const after = connection?.pageInfo.endCursor ?? null;
  const loadMore = useCallback(() => fetchMore({ variables: { after } }), [fetchMore, after]);
  const rows = useMemo(() => connection?.edges.map(({ node }) => node) ?? [], [connection]);
  return {
    rows,
    isLoading: loading && connection === undefined,
    problem: error === undefined ? null : describeFailure(error).message,
    hasMore: connection?.pageInfo.hasNextPage ?? false,
    pages: usePages(loadMore),
    reload: () => void refetch(),
  };
}
