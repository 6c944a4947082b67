import type { Line, LineOutcome, OperationRecord, SeenStock } from "../load/operation.ts";
import { isDefinite } from "../load/operation.ts";
import type { Ledger } from "./ledger.ts";

/** What one request did to one product, as far as its client was told. */
export type Step =
  | {
      readonly kind: "lines";
      readonly policy: "EACH" | "ALL_OR_NOTHING";
      readonly lines: readonly Line[];
      /** An outcome for each line; null where nobody was told. */
      readonly told: readonly LineOutcome[] | null;
    }
  /** told: the last levels, the refusal's code, or null where nobody was told. */
  | { readonly kind: "delete"; readonly told: SeenStock | string | null }
  /** told: null where the product was not tracked. */
  | { readonly kind: "read"; readonly told: SeenStock | null };

/** A step, and when it can have happened: between these two instants. */
export interface HistoryOperation {
  readonly name: string;
  readonly invokedAt: number;
  /** Infinity where nobody was told. */
  readonly respondedAt: number;
  readonly step: Step;
}

/** Everything that was done to one product. */
export interface History {
  readonly productId: string;
  readonly operations: readonly HistoryOperation[];
  /** The versions after which tracking stopped. */
  readonly deletedAt: ReadonlySet<number>;
}

/**
 * Sorts what was recorded by product. REST does not tell versions: by the ids that it tells they are read in the ledger.
 * What was answered "not applied" is no part of any history.
 */
export function historiesOf(records: readonly OperationRecord[], ledger: Ledger): History[] {
  const operations = new Map<string, HistoryOperation[]>();
  const rowOf = new Map(ledger.rows.map((row) => [row.id, row]));
  const add = (productId: string, operation: HistoryOperation): void => {
    const others = operations.get(productId);
    if (others === undefined) operations.set(productId, [operation]);
    else others.push(operation);
  };
  const complete = (outcome: LineOutcome): LineOutcome => {
    if (outcome.kind === "refused" || outcome.version !== null) return outcome;
    const { version = null, availableAfter = null, allocatedAfter = null } = rowOf.get(outcome.id) ?? {};
    return { ...outcome, version, availableAfter, allocatedAfter };
  };
  for (const record of records) {
    if (record.operation.kind === "read") addReads(record, record.operation.productId, add);
    else if (record.operation.kind === "delete") addDeletion(record, record.operation.productId, add);
    else addLines(record, complete, add);
  }
  return [...operations].map(([productId, own]) => ({
    productId,
    operations: own,
    deletedAt: new Set(
      ledger.deletions.filter((deletion) => deletion.productId === productId).map(({ version }) => version),
    ),
  }));
}

type Add = (productId: string, operation: HistoryOperation) => void;

/** From the first attempt that can have done it to the first answer that tells what it did; null where none can have. */
function windowOf({ attempts }: OperationRecord): { invokedAt: number; respondedAt: number } | null {
  const possible = attempts.filter(({ answer }) => answer.kind !== "turned-away" || answer.outcome !== "not applied");
  if (possible.length === 0) return null;
  return {
    invokedAt: Math.min(...possible.map(({ sentAt }) => sentAt)),
    respondedAt: Math.min(...possible.map(({ answer, endedAt }) => (isDefinite(answer) ? endedAt : Infinity))),
  };
}

function addReads({ attempts }: OperationRecord, productId: string, add: Add): void {
  for (const { sentAt, endedAt, answer } of attempts)
    if (answer.kind === "read")
      add(productId, {
        name: "a read",
        invokedAt: sentAt,
        respondedAt: endedAt,
        step: { kind: "read", told: answer.stock },
      });
}

function addDeletion(record: OperationRecord, productId: string, add: Add): void {
  const window = windowOf(record);
  if (window === null) return;
  const answer = record.attempts.find((attempt) => isDefinite(attempt.answer))?.answer;
  const told = answer?.kind === "deleted" ? answer.stock : answer?.kind === "not-deleted" ? answer.code : null;
  add(productId, { name: "a deletion", ...window, step: { kind: "delete", told } });
}

function addLines(record: OperationRecord, complete: (outcome: LineOutcome) => LineOutcome, add: Add): void {
  const { operation, attempts } = record;
  const window = windowOf(record);
  if (window === null || operation.kind === "read" || operation.kind === "delete") return;
  const answer = attempts.find((attempt) => attempt.answer.kind === "settled")?.answer;
  const outcomes = answer?.kind === "settled" ? answer.outcomes.map(complete) : null;
  const policy = operation.kind === "batch" ? operation.policy : "EACH";
  const lines: readonly Line[] = operation.lines;
  for (const productId of new Set(lines.map((line) => line.productId))) {
    const own = lines.map((line, index) => ({ line, outcome: outcomes?.[index] }));
    const mine = own.filter(({ line }) => line.productId === productId);
    const told = mine.flatMap(({ outcome }) => outcome ?? []);
    add(productId, {
      name: mine.map(({ line }) => line.reference).join(", "),
      ...window,
      step: {
        kind: "lines",
        policy,
        lines: mine.map(({ line }) => line),
        told: told.length === mine.length ? told : null,
      },
    });
  }
}
