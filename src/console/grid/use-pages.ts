import { useCallback, useRef, useState } from "react";
import { describeFailure } from "../api/failures.ts";

export interface Pages {
  readonly isLoadingMore: boolean;
  /** Why the next page did not come. */
  readonly problem: string | null;
  /** Loads the next page, unless one is on its way or the last try failed. */
  readonly more: () => void;
  /** The same after a failure. */
  readonly retry: () => void;
}

/** Pages on through a list, one page at a time. @param fetchMore loads the page after the last one */
export function usePages(fetchMore: () => Promise<unknown>): Pages {
  const [isLoadingMore, setLoadingMore] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const isBusy = useRef(false);
  const load = useCallback(async () => {
    if (isBusy.current) return;
    isBusy.current = true;
    setLoadingMore(true);
    setProblem(null);
    try {
      await fetchMore();
    } catch (error) {
      setProblem(describeFailure(error).message);
    } finally {
      isBusy.current = false;
      setLoadingMore(false);
    }
  }, [fetchMore]);
  const retry = useCallback(() => void load(), [load]);
  const more = useCallback(() => {
    if (problem === null) void load();
  }, [load, problem]);
  return { isLoadingMore, problem, more, retry };
}
