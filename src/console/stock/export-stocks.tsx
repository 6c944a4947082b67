import { useApolloClient } from "@apollo/client/react";
import { useCallback } from "react";
import type { ReactNode } from "react";
import { ExportButton } from "../csv/export-button.tsx";
import type { ExportPage } from "../csv/export-button.tsx";
import { StocksDocument } from "../generated/operations.ts";
import { toFilter } from "./list-settings.ts";
import type { ListSettings } from "./list-settings.ts";

const header = ["product_id", "available", "allocated", "total", "version", "updated_at"] as const;

/** The list as it is filtered and ordered, all of it. */
export function ExportStocks({ settings }: { readonly settings: ListSettings }): ReactNode {
  const client = useApolloClient();
  const loadPage = useCallback(
    async (after: string | null): Promise<ExportPage> => {
      const variables = { filter: toFilter(settings), orderBy: settings.order, first: 100, after };
      const { data } = await client.query({ query: StocksDocument, variables, fetchPolicy: "no-cache" });
      const { edges = [], pageInfo } = data?.stocks ?? {};
      return {
        rows: edges.map(({ node }) => [
          node.productId,
          node.available,
          node.allocated,
          node.total,
          node.version,
          node.updatedAt,
        ]),
        next: pageInfo?.hasNextPage === true ? pageInfo.endCursor : null,
      };
    },
    [client, settings],
  );
  return <ExportButton fileName="stock.csv" header={header} loadPage={loadPage} />;
}
