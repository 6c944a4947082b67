import { setTimeout as wait } from "node:timers/promises";

/** @throws what the work throws in that time */
export async function isDoneWithin(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  try {
    return await Promise.race([work.then(() => true), wait(timeoutMs, false, { signal: late.signal })]);
  } finally {
    late.abort();
  }
}
