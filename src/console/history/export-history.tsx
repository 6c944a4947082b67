import { useApolloClient } from "@apollo/client/react";
import { useCallback } from "react";
import type { ReactNode } from "react";
import { ExportButton } from "../csv/export-button.tsx";
import type { ExportPage } from "../csv/export-button.tsx";
import { StockHistoryDocument, StockTransactionsDocument } from "../generated/operations.ts";
import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";

const header = [
  "created_at",
  "product_id",
  "version",
  "action",
  "quantity",
  "available_after",
  "allocated_after",
  "reason",
  "reference",
  "note",
  "actor",
  "id",
] as const;

export interface ExportHistoryProps {
  readonly filter: StockTransactionFilter;
  /** Of this product only. */
  readonly productId?: string;
}

/** A history as it is filtered, all of it. */
export function ExportHistory({ filter, productId }: ExportHistoryProps): ReactNode {
  const client = useApolloClient();
  const loadPage = useCallback(
    async (after: string | null): Promise<ExportPage> => {
      const paging = { filter, first: 100, after };
      const fetchPolicy = "no-cache" as const;
      if (productId === undefined) {
        const { data } = await client.query({ query: StockTransactionsDocument, variables: paging, fetchPolicy });
        return toPage(data?.stockTransactions);
      }
      const variables = { productId, ...paging };
      const { data } = await client.query({ query: StockHistoryDocument, variables, fetchPolicy });
      return toPage(data?.stock?.transactions);
    },
    [client, filter, productId],
  );
  return <ExportButton fileName="stock-transactions.csv" header={header} loadPage={loadPage} />;
}

interface Connection {
  readonly edges: readonly { readonly node: StockTransactionFieldsFragment }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

function toPage(connection: Connection | undefined): ExportPage {
  if (connection === undefined) return { rows: [], next: null };
  const { edges, pageInfo } = connection;
  return { rows: edges.map(({ node }) => toRow(node)), next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
}

function toRow(node: StockTransactionFieldsFragment): (string | number)[] {
  const { createdAt, productId, version, action, quantity, availableAfter, allocatedAfter } = node;
  const { reason, reference, note, actor, id } = node;
  const levels = [availableAfter, allocatedAfter];
  return [
    createdAt,
    productId,
    version,
    action,
    quantity,
    ...levels,
    reason ?? "",
    reference ?? "",
    note ?? "",
    actor,
    id,
  ];
}
