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

  return (
    <Button
      color="inherit"
      variant="outlined"
      startIcon={<DownloadIcon />}
      title={problem ?? undefined}
      onClick={() => (stop.current === null ? void run() : stop.current.abort())}
      sx={{ borderColor: "divider", fontVariantNumeric: "tabular-nums" }}
    >
      {problem !== null ? "Export failed: try again" : count === null ? "Export CSV" : `Stop at ${formatCount(count)}`}
    </Button>
  );
}
