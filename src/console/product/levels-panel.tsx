import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Skeleton from "@mui/material/Skeleton";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { lazy, Suspense } from "react";
import type { ReactNode } from "react";
import { formatCount } from "../format.ts";
import type { StockTransactionFilter } from "../generated/operations.ts";
import { useProductHistory } from "../history/history-list.ts";
import { useNow } from "../now.ts";

/** The charts are the heaviest part of the console, and only this page has one. */
const LevelsChart = lazy(() => import("./levels-chart.tsx"));

/** A line says nothing that cannot be seen with more points than this. */
const pointsMax = 1_000;

const everything: StockTransactionFilter = {};

/** How available and allocated went: over the last hundred stock transactions, and further back for those who ask. */
export function LevelsPanel({ productId }: { readonly productId: string }): ReactNode {
  const { rows, isLoading, hasMore, pages } = useProductHistory(productId, everything);
  const now = useNow();
  const shown = rows.slice(0, pointsMax);
  const isAll = !hasMore && rows.length <= pointsMax;
  return (
    <Paper variant="outlined" component="section" aria-label="Levels over time" sx={{ p: 2, pb: 1, flexShrink: 0 }}>
      <Stack direction="row" useFlexGap sx={{ alignItems: "center", flexWrap: "wrap", columnGap: 1, mb: 1 }}>
        <Typography variant="h2">Levels over time</Typography>
        {!isLoading && !isAll && (
          <Typography variant="body2" sx={{ color: "text.secondary" }}>
            The last {formatCount(shown.length)} stock transactions
          </Typography>
        )}
        {hasMore && rows.length < pointsMax && (
          <Button size="small" onClick={pages.retry} loading={pages.isLoadingMore} sx={{ mx: "-5px" }}>
            Further back
          </Button>
        )}
      </Stack>
      <Suspense fallback={<Skeleton variant="rounded" height={240} />}>
        {isLoading ? <Skeleton variant="rounded" height={240} /> : <LevelsChart rows={shown} now={now} />}
      </Suspense>
    </Paper>
  );
}
