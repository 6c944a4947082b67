import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import LinearProgress from "@mui/material/LinearProgress";
import Paper from "@mui/material/Paper";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { download } from "../csv/csv.ts";
import { takeLostFocus } from "../focus.ts";
import { formatCount } from "../format.ts";
import { DownloadIcon, PauseIcon, PlayIcon } from "../icons.tsx";
import type { BulkRun, BulkRunState } from "./bulk-run.ts";
import { reportOf } from "./report.ts";

export interface RunPanelProps {
  readonly run: BulkRun;
  readonly state: BulkRunState;
  /** Sends the same file a second time on purpose. */
  readonly onAgain: () => void;
  readonly onOther: () => void;
}

/** How far a file is, and what can be done with it. */
export function RunPanel({ run, state, onAgain, onOther }: RunPanelProps): ReactNode {
  const { file, sendable } = run;
  const { phase, settled, repeated } = state;
  const percent = sendable.length === 0 ? 0 : Math.floor((settled / sendable.length) * 100);
  const isBusy = phase === "running" || phase === "stopping";
  return (
    <Paper variant="outlined" component="section" aria-label="Progress" sx={{ p: 2 }}>
      <Stack spacing={1.5}>
        <Stack direction="row" useFlexGap sx={{ flexWrap: "wrap", gap: 1, alignItems: "center" }}>
          <Box sx={{ flex: "1 1 220px", minWidth: 0 }}>
            <Typography variant="h2" noWrap title={file.name}>
              {file.name}
            </Typography>
            <Typography variant="body2" role="status" sx={{ color: "text.secondary" }}>
              {summaryOf(run, state)}
            </Typography>
          </Box>
          <RunButtons {...{ run, state, onOther }} />
        </Stack>
        <LinearProgress
          variant="determinate"
          value={percent}
          aria-label="Lines sent"
          color={phase === "done" ? "success" : "primary"}
          sx={{ height: 8, borderRadius: 4 }}
        />
        {state.message !== null && <Alert severity={isBusy ? "info" : "warning"}>{state.message}</Alert>}
        {phase === "done" && repeated > 0 && (
          <Alert
            severity="info"
            sx={{ flexWrap: "wrap", "& .MuiAlert-message": { flex: "1 1 220px" } }}
            action={
              <Button color="inherit" size="small" onClick={onAgain}>
                Use it as a new file
              </Button>
            }
          >
            {repeated === 1 ? "1 line" : `${formatCount(repeated)} lines`} of this file had been done before, and
            nothing was done a second time.
          </Alert>
        )}
      </Stack>
    </Paper>
  );
}

function RunButtons({ run, state, onOther }: Pick<RunPanelProps, "run" | "state" | "onOther">): ReactNode {
  const { phase, settled } = state;
  const canSend = run.sendable.length > 0;
  const start = (): void => void run.start();
  return (
    <>
      {phase === "ready" && (
        <Button
          key="send"
          ref={canSend ? takeLostFocus : undefined}
          variant="contained"
          startIcon={<PlayIcon />}
          onClick={start}
          disabled={!canSend}
        >
          {run.sendable.length === 1 ? "Send 1 line" : `Send ${formatCount(run.sendable.length)} lines`}
        </Button>
      )}
      {(phase === "running" || phase === "stopping") && (
        <Button
          key="stop"
          ref={takeLostFocus}
          variant="contained"
          color="warning"
          startIcon={<PauseIcon />}
          // The second click of a double click on what was here before is not meant for this.
          onClick={({ detail }) => detail < 2 && run.stop()}
          disabled={phase === "stopping"}
        >
          {phase === "stopping" ? "Stopping" : "Stop"}
        </Button>
      )}
      {phase === "stopped" && (
        <Button key="go-on" ref={takeLostFocus} variant="contained" startIcon={<PlayIcon />} onClick={start}>
          Go on
        </Button>
      )}
      {settled > 0 && (
        <Button
          key="report"
          ref={phase === "done" ? takeLostFocus : undefined}
          startIcon={<DownloadIcon />}
          onClick={() => download(`report-${run.file.name}`, [reportOf(run)])}
        >
          Report
        </Button>
      )}
      {(phase === "ready" || phase === "stopped" || phase === "done") && (
        <Button key="other" ref={phase === "ready" && !canSend ? takeLostFocus : undefined} onClick={onOther}>
          Another file
        </Button>
      )}
    </>
  );
}

function summaryOf({ file, sendable }: BulkRun, { phase, settled, done, repeated, refused }: BulkRunState): string {
  const invalid = file.lines.length - sendable.length;
  if (phase === "ready") {
    const stay =
      invalid === 1
        ? "1 has something wrong and stays out"
        : `${formatCount(invalid)} have something wrong and stay out`;
    const all = file.lines.length === 1 ? "1 line" : `${formatCount(file.lines.length)} lines`;
    return `${formatCount(sendable.length)} of ${all} can be sent.${invalid === 0 ? "" : ` ${stay}.`}`;
  }
  const before = repeated === 0 ? "" : `, ${formatCount(repeated)} of them before`;
  const counts = `${formatCount(done)} done${before}, ${formatCount(refused)} refused, ${formatCount(invalid)} not sent`;
  if (phase === "done") return `Finished: ${counts}.`;
  return `${formatCount(settled)} of ${formatCount(sendable.length)}: ${counts}.`;
}
