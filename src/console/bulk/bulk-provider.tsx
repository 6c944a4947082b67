import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import type { BulkRun, BulkRunState } from "./bulk-run.ts";

interface BulkHandle {
  /** Null before a file is dropped. */
  readonly run: BulkRun | null;
  readonly setRun: (run: BulkRun | null) => void;
}

const BulkContext = createContext<BulkHandle>({ run: null, setRun: () => undefined });

/** The file that is being worked on, which goes on while one looks at other pages. */
export function useBulk(): BulkHandle {
  return useContext(BulkContext);
}

/** How far a run is, kept up to date. */
export function useRunState(run: BulkRun): BulkRunState {
  return useSyncExternalStore(run.subscribe, run.getState);
}

/** Has the run; stops it when the person signs out, and asks before the window is closed on it. */
export function BulkProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [run, setRun] = useState<BulkRun | null>(null);
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent): void => {
      if (run?.getState().phase === "running") event.preventDefault();
    };
    addEventListener("beforeunload", ask);
    return () => {
      removeEventListener("beforeunload", ask);
      run?.stop();
    };
  }, [run]);
  return <BulkContext value={useMemo(() => ({ run, setRun }), [run])}>{children}</BulkContext>;
}
