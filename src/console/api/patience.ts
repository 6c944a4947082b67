import { describeFailure } from "./failures.ts";
import type { Failure } from "./failures.ts";

/** How often the same request is sent before the person is asked; the waits between add up to a minute or so. */
const attemptsMax = 10;
const firstWaitMs = 500;
const longestWaitMs = 10_000;

/** A request that met a lost connection, or a gateway without time, and is about to be sent again. */
export interface Retry {
  /** Of the attempt that comes next, from 2. */
  readonly attempt: number;
  readonly failure: Failure;
}

/**
 * Sends until there is an answer. Only for requests with an idempotency key: the same is sent each time, with the same key.
 * @throws what the last attempt was rejected with: anything but "away", or "away" after all attempts
 */
export async function sendWithPatience<T>(send: () => Promise<T>, onRetry: (retry: Retry) => void): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const failure = describeFailure(error);
      if (failure.kind !== "away" || attempt === attemptsMax) throw error;
      onRetry({ attempt: attempt + 1, failure });
      await waitOrOnline(failure.retryAfterMs ?? Math.min(firstWaitMs * 2 ** (attempt - 1), longestWaitMs));
    }
  }
}

/** Waits; not any longer once the browser says that the network is back. */
function waitOrOnline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}
