import { useQuery } from "@apollo/client/react";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Paper from "@mui/material/Paper";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { useMemo, useState } from "react";
import type { ReactNode } from "react";
import { useLocation, useSearchParams } from "wouter";
import { describeFailure } from "../api/failures.ts";
import { useTrackedCheck } from "../api/tracked-check.ts";
import { StockDocument } from "../generated/operations.ts";
import { Notice } from "../grid/placeholders.tsx";
import { ExportHistory } from "../history/export-history.tsx";
import { HistoryGrid } from "../history/history-grid.tsx";
import { useProductHistory } from "../history/history-list.ts";
import { allHistory, toHistoryFilter } from "../history/history-settings.ts";
import { HistoryToolbar } from "../history/history-toolbar.tsx";
import { AlertIcon, BackIcon, StockIcon } from "../icons.tsx";
import { Page } from "../layout/page.tsx";
import { hasComeFromHere } from "../paths.ts";
import { MoveStockButton } from "../transaction/move-stock-button.tsx";
import { LevelCards } from "./level-cards.tsx";
import { LevelsPanel } from "./levels-panel.tsx";

/** One product: its levels, how they came about, and its history. */
export function ProductPage(): ReactNode {
  const [search] = useSearchParams();
  const productId = search.get("id") ?? "";
  const [, navigate] = useLocation();
  const { data, error, refetch } = useQuery(StockDocument, {
    variables: { productId },
    fetchPolicy: "cache-and-network",
    nextFetchPolicy: "cache-first",
  });
  const stock = data?.stock;
  useTrackedCheck(() => (stock == null ? [] : [productId]));
  // The list is found again as it was left, where one came from one.
  const back = (): void => (hasComeFromHere() ? history.back() : navigate("/"));
  return (
    <Page
      title={productId}
      before={
        <IconButton aria-label="Back" onClick={back} edge="start">
          <BackIcon />
        </IconButton>
      }
      actions={<MoveStockButton productId={productId} />}
    >
      {error !== undefined && stock === undefined && (
        <Notice
          icon={<AlertIcon />}
          title="The product could not be loaded"
          action={
            <Button variant="outlined" onClick={() => void refetch()}>
              Try again
            </Button>
          }
        >
          <span role="alert">{describeFailure(error).message}</span>
        </Notice>
      )}
      {stock === null && (
        <Notice icon={<StockIcon />} title="This product is not tracked">
          Receive units, or start tracking it with what is there.
        </Notice>
      )}
      {stock !== null && error === undefined && (
        <>
          <LevelCards stock={stock} />
          <LevelsPanel productId={productId} />
          <ProductHistory productId={productId} />
        </>
      )}
    </Page>
  );
}

function ProductHistory({ productId }: { readonly productId: string }): ReactNode {
  const [settings, setSettings] = useState(allHistory);
  const filter = useMemo(() => toHistoryFilter(settings), [settings]);
  const list = useProductHistory(productId, filter);
  return (
    <>
      <Stack direction="row" sx={{ alignItems: "center", justifyContent: "space-between" }}>
        <Typography variant="h2">History</Typography>
        <ExportHistory filter={filter} productId={productId} />
      </Stack>
      <HistoryToolbar settings={settings} onChange={setSettings} />
      <Paper variant="outlined" sx={{ height: 460, flexShrink: 0, display: "flex", overflow: "hidden" }}>
        <HistoryGrid list={list} label="History" filter={filter} showsProduct={false} />
      </Paper>
    </>
  );
}
