import { useApolloClient } from "@apollo/client/react";
import Chip from "@mui/material/Chip";
import Paper from "@mui/material/Paper";
import Stack from "@mui/material/Stack";
import { useMemo, useState } from "react";
import type { ReactNode } from "react";
import { formatCount } from "../format.ts";
import { Grid } from "../grid/grid.tsx";
import { GridNotice } from "../grid/placeholders.tsx";
import { BulkRun } from "./bulk-run.ts";
import { useRunState } from "./bulk-provider.tsx";
import { lineColumns } from "./line-columns.tsx";
import { RunPanel } from "./run-panel.tsx";

export interface RunViewProps {
  readonly run: BulkRun;
  readonly onRun: (run: BulkRun | null) => void;
}

/** A file's lines, how far they are, and what can be done. */
export function RunView({ run, onRun }: RunViewProps): ReactNode {
  const client = useApolloClient();
  const state = useRunState(run);
  const [showsOnlyTrouble, setShowsOnlyTrouble] = useState(false);
  const { lines } = run.file;
  const trouble = useMemo(
    () => lines.filter((line) => line.problem !== null || run.outcomeOf(line)?.kind === "refused"),
    // oxlint-disable-next-line react/exhaustive-deps -- what became of the lines is not in the list itself
    [lines, run, state.refused],
  );
  const rows = showsOnlyTrouble ? trouble : lines;
  return (
    <>
      <RunPanel
        {...{ run, state }}
        onAgain={() => onRun(new BulkRun(client, run.file, run.round + 1))}
        onOther={() => onRun(null)}
      />
      <Stack direction="row" spacing={1}>
        <Chip
          label={`All ${formatCount(lines.length)} lines`}
          onClick={() => setShowsOnlyTrouble(false)}
          variant={showsOnlyTrouble ? "outlined" : "filled"}
          aria-pressed={!showsOnlyTrouble}
        />
        <Chip
          label={`${formatCount(trouble.length)} with a problem`}
          onClick={() => setShowsOnlyTrouble(true)}
          variant={showsOnlyTrouble ? "filled" : "outlined"}
          color={trouble.length > 0 ? "error" : "default"}
          aria-pressed={showsOnlyTrouble}
        />
      </Stack>
      <Paper variant="outlined" sx={{ flex: 1, minHeight: 220, display: "flex", overflow: "hidden" }}>
        <Grid
          label="Lines of the file"
          rowsGrow
          listKey={String(showsOnlyTrouble)}
          columns={lineColumns(run)}
          rows={rows}
          rowKey={({ number }) => String(number)}
          placeholder={rows.length === 0 && <GridNotice title="No line has a problem" />}
        />
      </Paper>
    </>
  );
}
