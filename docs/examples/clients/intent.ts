import { StockErrorCode } from "./generated/operations.ts";
import type { MoveStockMutation, MoveStockMutationVariables, StockRefusalFragment } from "./generated/operations.ts";

/** What somebody has decided to do, once. Keep it until it is settled: whatever is sent for it has the same key. */
export type Intent = MoveStockMutationVariables;

export function newIntent(move: Omit<Intent, "idempotencyKey">): Intent {
  return { ...move, idempotencyKey: crypto.randomUUID() };
}

/** What became of an intent: done, or refused by a rule of the inventory, and then nothing was changed. */
export type Outcome =
  | { readonly transaction: MoveStockMutation["createStockTransaction"]; readonly refusal: null }
  | { readonly transaction: null; readonly refusal: StockRefusalFragment };

/** What a request came to that has no data, in the words of no library. */
export interface Failure {
  /** What the gateway answered; empty where something else did, or nothing. */
  readonly errors: readonly { readonly extensions?: Readonly<Record<string, unknown>> | undefined }[];
  /** Of HTTP; null without an answer. */
  readonly status: number | null;
}

const attemptsMax = 8;

/**
 * Sends an intent until it is settled: again, with the same key, while there is no answer or the gateway has no time.
 * @param failureOf what the library's error says
 * @throws the library's error: for a request that is wrong or forbidden, a fault, or after all attempts
 */
export async function settle(
  send: () => Promise<MoveStockMutation>,
  failureOf: (error: unknown) => Failure,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { transaction: (await send()).createStockTransaction, refusal: null };
    } catch (error) {
      const failure = failureOf(error);
      const refusal = refusalOf(failure);
      if (refusal !== null) return { transaction: null, refusal };
      const waitMs = waitMsOf(failure, attempt);
      if (waitMs === null || attempt === attemptsMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** The fields of StockError, which stand in an error's extensions; null for an error that is no refusal. */
function refusalOf({ errors }: Failure): StockRefusalFragment | null {
  const extensions = errors[0]?.extensions;
  const isRefusal = Object.values<unknown>(StockErrorCode).includes(extensions?.["code"]);
  return isRefusal ? (extensions as unknown as StockRefusalFragment) : null;
}

/** How long to wait before the same is sent again; null where that would change nothing. */
function waitMsOf({ errors: [error], status }: Failure, attempt: number): number | null {
  const { code, retryAfterSeconds } = error?.extensions ?? {};
  if (code === "SERVICE_UNAVAILABLE" || code === "RATE_LIMITED") return Number(retryAfterSeconds) * 1_000;
  if (error !== undefined) return null;
  const isAway = status === null || status === 429 || status >= 502;
  // Longer from attempt to attempt, and never the same for all.
  return isAway ? Math.min(10_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2) : null;
}
