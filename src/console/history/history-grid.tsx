import type { ReactNode } from "react";
import type { StockTransactionFieldsFragment, StockTransactionFilter } from "../generated/operations.ts";
import { Grid } from "../grid/grid.tsx";
import { GridNotice, GridProblem, LoadingRows, MoreRows } from "../grid/placeholders.tsx";
import { HistoryIcon } from "../icons.tsx";
import { useNow } from "../now.ts";
import { historyColumns } from "./history-columns.tsx";
import type { HistoryList } from "./history-list.ts";

export interface HistoryGridProps {
  readonly list: HistoryList;
  readonly label: string;
  /** Another one is another list. */
  readonly filter: StockTransactionFilter;
  /** Whether it is over several products. */
  readonly showsProduct: boolean;
  readonly onOpen?: (stockTransaction: StockTransactionFieldsFragment) => void;
}

/** Stock transactions, the newest first. */
export function HistoryGrid({ list, label, filter, showsProduct, onOpen }: HistoryGridProps): ReactNode {
  const now = useNow();
  return (
    <Grid
      label={label}
      listKey={JSON.stringify(filter)}
      columns={historyColumns(now, showsProduct)}
      rows={list.rows}
      rowKey={({ id }) => id}
      hasMore={list.hasMore}
      onMore={list.pages.more}
      placeholder={<HistoryPlaceholder list={list} />}
      footer={<MoreRows {...list.pages} isLoading={list.pages.isLoadingMore} onRetry={list.pages.retry} />}
      {...(onOpen && { onOpen })}
    />
  );
}

function HistoryPlaceholder({ list }: { readonly list: HistoryList }): ReactNode {
  if (list.rows.length > 0) return null;
  if (list.isLoading) return <LoadingRows count={5} />;
  if (list.problem !== null) return <GridProblem message={list.problem} onRetry={list.reload} />;
  return (
    <GridNotice icon={<HistoryIcon />} title="No stock transactions">
      None was made, or none fits the filters.
    </GridNotice>
  );
}
