import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useRef, useState } from "react";
import type { ReactNode } from "react";
import { describeFailure } from "../api/failures.ts";
import { sendWithPatience } from "../api/patience.ts";
import { formatCount } from "../format.ts";
import { DownloadIcon } from "../icons.tsx";
import { download, printCsv } from "./csv.ts";

/** One page of what is exported. */
export interface ExportPage {
  readonly rows: readonly (readonly (string | number)[])[];
  /** Where the next page begins; null where this is the last one. */
  readonly next: string | null;
}

export interface ExportButtonProps {
  readonly fileName: string;
  readonly header: readonly string[];
  /** @param after null for the first page */
  readonly loadPage: (after: string | null) => Promise<ExportPage>;
}

/** Loads a whole list, page by page, into a CSV file. A second click stops it. */
export function ExportButton({ fileName, header, loadPage }: ExportButtonProps): ReactNode {
  const [count, setCount] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const stop = useRef<AbortController | null>(null);

  const run = async (): Promise<void> => {
    const mine = new AbortController();
    stop.current = mine;
    setProblem(null);
    const parts = [printCsv([header])];
    try {
      let after: string | null = null;
      let loaded = 0;
      do {
        setCount(loaded);
        const from: string | null = after;
        const page: ExportPage = await sendWithPatience(
          () => loadPage(from),
          () => undefined,
        );
        if (mine.signal.aborted) return;
        if (page.rows.length > 0) parts.push(printCsv(page.rows));
        loaded += page.rows.length;
        after = page.next;
      } while (after !== null);
      download(fileName, parts);
    } catch (error) {
      setProblem(describeFailure(error).message);
    } finally {
      stop.current = null;
      setCount(null);
    }
  };

  const label = problem !== null ? "Export failed: try again" : "Export CSV";
  return (
    <Button
      color="inherit"
      variant="outlined"
      startIcon={<DownloadIcon />}
      title={problem ?? undefined}
      aria-label={count === null ? label : "Stop the export"}
      onClick={() => (stop.current === null ? void run() : stop.current.abort())}
      sx={{ borderColor: "divider", fontVariantNumeric: "tabular-nums" }}
    >
      {count === null && problem === null ? <ShortLabel /> : count === null ? label : `Stop at ${formatCount(count)}`}
    </Button>
  );
}

/** A narrow window has room for three letters. */
function ShortLabel(): ReactNode {
  return (
    <>
      <Box component="span" sx={{ display: { xs: "none", sm: "inline" }, whiteSpace: "pre" }}>
        {"Export "}
      </Box>
      CSV
    </>
  );
}
