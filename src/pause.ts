import { setTimeout as wait } from "node:timers/promises";

/** Waits so many milliseconds, or until the signal is aborted: what comes after has to look which. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An abort is the only failure that there is.
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
