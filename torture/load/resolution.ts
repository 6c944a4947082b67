import { setTimeout as wait } from "node:timers/promises";
import { isDefinite, isRepeatable, isUnknown } from "./operation.ts";
import type { LineOutcome, OperationRecord } from "./operation.ts";
import type { Load } from "./load.ts";
import { findByKey } from "./shop-client.ts";

/** What the idempotency keys said of the lines whose clients were not told: counted. */
export interface Resolutions {
  /** Lines that nobody was told of when the clients stopped. */
  unknown: number;
  /** The key showed that it had been done. */
  readonly resolved: { applied: number; refused: number; never: number; byLedger: number };
  /** What a key said, and what the same request with that key was then answered, disagree. */
  readonly contradictions: string[];
}

const triesMax = 50;

/**
 * Resolves every operation that has no definite answer, as a client does: asks by each idempotency key, and then sends it
 * again with its keys until it is answered. One without a key can only be looked up in the ledger.
 */
export async function resolveUnknown(load: Load): Promise<Resolutions> {
  const { urls, token } = load;
  const resolutions: Resolutions = {
    unknown: 0,
    resolved: { applied: 0, refused: 0, never: 0, byLedger: 0 },
    contradictions: [],
  };
  for (const [index, record] of load.records.entries()) {
    const url = urls[index % urls.length] ?? "";
    if (isOpen(record)) await resolve(load, record, { url, token, resolutions });
  }
  return resolutions;
}

/** Whether the client of the operation does not know what became of it. */
function isOpen({ attempts, operation }: OperationRecord): boolean {
  return (
    operation.lines.length > 0 &&
    !attempts.some(({ answer }) => isDefinite(answer)) &&
    attempts.some(({ answer }) => isUnknown(answer))
  );
}

async function resolve(
  load: Load,
  record: OperationRecord,
  { url, token, resolutions }: { url: string; token: string; resolutions: Resolutions },
): Promise<void> {
  const { lines } = record.operation;
  resolutions.unknown += lines.length;
  if (!isRepeatable(record.operation)) {
    resolutions.resolved.byLedger += lines.length;
    return;
  }
  const found: (LineOutcome | null)[] = [];
  for (const { idempotencyKey } of lines) found.push(await findByKey(url, token, idempotencyKey ?? ""));
  for (const outcome of found) resolutions.resolved[outcome?.kind ?? "never"] += 1;
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const answer = await load.attempt(record, url);
    if (answer.kind === "settled") {
      for (const [index, outcome] of found.entries())
        if (outcome !== null && !isSameOutcome(outcome, answer.outcomes[index]))
          resolutions.contradictions.push(`${lines[index]?.reference}: its key said ${outcome.kind}`);
      return;
    }
    await wait(100);
  }
  throw new Error(`${lines[0]?.reference} can't be resolved: ${JSON.stringify(record.attempts.at(-1))}`);
}

/** Whether two answers tell the same, as far as both tell it. */
export function isSameOutcome(left: LineOutcome, right: LineOutcome | undefined): boolean {
  if (right === undefined || left.kind !== right.kind) return false;
  if (left.kind === "applied") return right.kind === "applied" && left.id === right.id;
  return right.kind === "refused" && left.status === right.status;
}
