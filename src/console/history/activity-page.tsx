import Paper from "@mui/material/Paper";
import { useMemo, useState } from "react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { Page } from "../layout/page.tsx";
import { cameFromHere, productPath } from "../paths.ts";
import { ExportHistory } from "./export-history.tsx";
import { HistoryGrid } from "./history-grid.tsx";
import { useLedger } from "./history-list.ts";
import { allHistory, toHistoryFilter } from "./history-settings.ts";
import { HistoryToolbar } from "./history-toolbar.tsx";

/** What has happened to all products, live. */
export function ActivityPage(): ReactNode {
  const [settings, setSettings] = useState(allHistory);
  const filter = useMemo(() => toHistoryFilter(settings), [settings]);
  const list = useLedger(filter);
  const [, navigate] = useLocation();
  return (
    <Page title="Activity" fillsWindow actions={<ExportHistory filter={filter} />}>
      <HistoryToolbar settings={settings} onChange={setSettings} />
      <Paper variant="outlined" sx={{ flex: 1, minHeight: 0, display: "flex", overflow: "hidden" }}>
        <HistoryGrid
          list={list}
          label="Activity"
          filter={filter}
          showsProduct
          onOpen={({ productId }) => navigate(productPath(productId), { state: cameFromHere })}
        />
      </Paper>
    </Page>
  );
}
