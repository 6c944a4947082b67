import { useApolloClient } from "@apollo/client/react";
import type { ReactNode } from "react";
import { Page } from "../layout/page.tsx";
import type { BulkFile } from "./bulk-file.ts";
import { useBulk } from "./bulk-provider.tsx";
import { BulkRun } from "./bulk-run.ts";
import { DropZone } from "./drop-zone.tsx";
import { RunView } from "./run-view.tsx";

/** Many stock transactions from a file. */
export function BulkPage(): ReactNode {
  const client = useApolloClient();
  const { run, setRun } = useBulk();
  const take = (file: BulkFile): void => setRun(new BulkRun(client, file));
  return (
    <Page title="Bulk" fillsWindow>
      {run === null ? <DropZone onFile={take} /> : <RunView run={run} onRun={setRun} />}
    </Page>
  );
}
