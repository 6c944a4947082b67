import { useQuery } from "@apollo/client/react";
import Paper from "@mui/material/Paper";
import Button from "@mui/material/Button";
import { useCallback, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { describeFailure } from "../api/failures.ts";
import { useTrackedCheck } from "../api/tracked-check.ts";
import { StocksDocument } from "../generated/operations.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { Grid } from "../grid/grid.tsx";
import { GridNotice, GridProblem, LoadingRows, MoreRows } from "../grid/placeholders.tsx";
import { usePages } from "../grid/use-pages.ts";
import { StockIcon } from "../icons.tsx";
import { Page } from "../layout/page.tsx";
import { useNow } from "../now.ts";
import { MoveStockButton } from "../transaction/move-stock-button.tsx";
import { cameFromHere, productPath } from "../paths.ts";
import { allStock, isFiltered, toFilter, useListSettings } from "./list-settings.ts";
import type { ListSettings, ListSettingsHandle } from "./list-settings.ts";
import { stockColumns } from "./stock-columns.tsx";
import { ExportStocks } from "./export-stocks.tsx";
import { NewProducts } from "./new-products.tsx";
import { StockToolbar } from "./stock-toolbar.tsx";

const pageSize = 100;

/** All products with their levels: search, filters, order, and as many pages as there are. */
export function StockPage(): ReactNode {
  const handle = useListSettings();
  const { settings } = handle;
  const now = useNow();
  const [, navigate] = useLocation();
  const list = useStocks(settings);
  const inView = useRef({ first: 0, last: 0 });
  useTrackedCheck(() =>
    list.rows.slice(inView.current.first, inView.current.last + 1).map(({ productId }) => productId),
  );
  return (
    <Page
      title="Stock"
      fillsWindow
      actions={
        <>
          <ExportStocks settings={settings} />
          <MoveStockButton />
        </>
      }
    >
      <StockToolbar {...handle} />
      <NewProducts list={list} settings={settings} />
      <Paper variant="outlined" sx={{ flex: 1, minHeight: 0, display: "flex", overflow: "hidden" }}>
        <Grid
          label="Stock"
          listKey={JSON.stringify(settings)}
          columns={stockColumns(handle, now)}
          rows={list.rows}
          rowKey={({ productId }) => productId}
          onOpen={({ productId }) => navigate(productPath(productId), { state: cameFromHere })}
          onView={(first, last) => {
            inView.current = { first, last };
          }}
          hasMore={list.hasMore}
          onMore={list.pages.more}
          placeholder={<StockPlaceholder list={list} {...handle} />}
          footer={<MoreRows {...list.pages} isLoading={list.pages.isLoadingMore} onRetry={list.pages.retry} />}
        />
      </Paper>
    </Page>
  );
}

interface StockList {
  readonly rows: readonly StockFieldsFragment[];
  readonly isLoading: boolean;
  readonly problem: string | null;
  readonly hasMore: boolean;
  readonly pages: ReturnType<typeof usePages>;
  readonly reload: () => void;
}

function useStocks(settings: ListSettings): StockList {
  const variables = useMemo(
    () => ({ filter: toFilter(settings), orderBy: settings.order, first: pageSize }),
    [settings],
  );
  const { data, loading, error, fetchMore, refetch } = useQuery(StocksDocument, {
    variables,
    fetchPolicy: "cache-and-network",
    nextFetchPolicy: "cache-first",
  });
  const endCursor = data?.stocks.pageInfo.endCursor ?? null;
  const loadMore = useCallback(() => fetchMore({ variables: { after: endCursor } }), [fetchMore, endCursor]);
  const rows = useMemo(() => data?.stocks.edges.map(({ node }) => node) ?? [], [data]);
  return {
    rows,
    isLoading: loading && data === undefined,
    problem: error === undefined ? null : describeFailure(error).message,
    hasMore: data?.stocks.pageInfo.hasNextPage ?? false,
    pages: usePages(loadMore),
    reload: () => void refetch(),
  };
}

function StockPlaceholder({ list, settings, change }: ListSettingsHandle & { readonly list: StockList }): ReactNode {
  if (list.rows.length > 0) return null;
  if (list.isLoading) return <LoadingRows />;
  if (list.problem !== null) return <GridProblem message={list.problem} onRetry={list.reload} />;
  if (isFiltered(settings)) {
    return (
      <GridNotice
        icon={<StockIcon />}
        title="No product fits"
        action={
          <Button variant="outlined" onClick={() => change({ ...allStock, order: settings.order })}>
            Show all stock
          </Button>
        }
      >
        Search by the beginning of its id, exactly as it is written, or take a filter away.
      </GridNotice>
    );
  }
  return (
    <GridNotice icon={<StockIcon />} title="No stock yet">
      Receive the first units of a product, or bring a file with many under Bulk.
    </GridNotice>
  );
}
