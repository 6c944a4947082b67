import Paper from "@mui/material/Paper";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";
import { lazy, Suspense } from "react";
import type { ReactNode } from "react";
import type { StockTransactionFilter } from "../generated/operations.ts";
import { useProductHistory } from "../history/history-list.ts";

/** The charts are the heaviest part of the console, and only this page has one. */
const LevelsChart = lazy(() => import("./levels-chart.tsx"));

const everything: StockTransactionFilter = {};

/** How available and allocated went, over the last hundred stock transactions. */
export function LevelsPanel({ productId }: { readonly productId: string }): ReactNode {
  const { rows, isLoading } = useProductHistory(productId, everything);
  return (
    <Paper variant="outlined" component="section" aria-label="Levels over time" sx={{ p: 2, pb: 1, flexShrink: 0 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        Levels over time
      </Typography>
      <Suspense fallback={<Skeleton variant="rounded" height={240} />}>
        {isLoading ? <Skeleton variant="rounded" height={240} /> : <LevelsChart rows={rows} />}
      </Suspense>
    </Paper>
  );
}
