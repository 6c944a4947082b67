import type { StockAction } from "../../src/inventory/actions.ts";
import type { StockErrorCode } from "../../src/inventory/errors.ts";

/** One stock transaction as a client asks for it. */
export interface Line {
  /** Like no other: by it the ledger is searched for what came of the line. */
  readonly reference: string;
  readonly productId: string;
  readonly action: StockAction;
  readonly quantity: number;
  readonly idempotencyKey: string | null;
  readonly expectedVersion: number | null;
}

/** What a client does in one request. */
export type Operation =
  | { readonly kind: "graphql" | "rest"; readonly lines: readonly [Line] }
  | { readonly kind: "batch"; readonly policy: "EACH" | "ALL_OR_NOTHING"; readonly lines: readonly Line[] }
  | { readonly kind: "read" | "delete"; readonly productId: string; readonly lines: readonly [] };

/** What became of a line. REST tells less than GraphQL: what it leaves out is null. */
export type LineOutcome =
  | {
      readonly kind: "applied";
      readonly id: string;
      readonly version: number | null;
      readonly availableAfter: number | null;
      readonly allocatedAfter: number | null;
    }
  | {
      readonly kind: "refused";
      /** Null over REST. */
      readonly code: StockErrorCode | null;
      readonly status: number;
      /** Null over REST too; where GraphQL says null the product was not tracked. */
      readonly seen: {
        readonly available: number | null;
        readonly allocated: number | null;
        readonly version: number | null;
      } | null;
    };

/** The levels and version that a read, or the answer to a deletion, gave. */
export interface SeenStock {
  readonly available: number;
  readonly allocated: number;
  readonly version: number;
}

/** What a client was told. */
export type Answer =
  | { readonly kind: "settled"; readonly outcomes: readonly LineOutcome[] }
  /** Null: not tracked. */
  | { readonly kind: "read"; readonly stock: SeenStock | null }
  | { readonly kind: "deleted"; readonly stock: SeenStock }
  | { readonly kind: "not-deleted"; readonly code: string }
  /** 503 or 429. outcome null: the answer does not say, as over REST. */
  | {
      readonly kind: "turned-away";
      readonly outcome: "not applied" | "unknown" | null;
      /** Whether it says when to come again: in Retry-After, or in the error's extensions. */
      readonly saysWhen: boolean;
    }
  /** No answer came: the connection was refused, or lost, or time ran out. */
  | { readonly kind: "none"; readonly reason: string }
  /** An answer that nobody should get: a 500, a 401, no JSON. */
  | { readonly kind: "fault"; readonly text: string };

/** One request as it was sent, and its answer. Times are performance.now()'s. */
export interface Attempt {
  readonly sentAt: number;
  readonly endedAt: number;
  readonly answer: Answer;
}

/** An operation, and every attempt at it so far. */
export interface OperationRecord {
  readonly operation: Operation;
  readonly attempts: Attempt[];
}

/** Whether the answer settles what became of the operation. */
export function isDefinite(answer: Answer): boolean {
  return answer.kind !== "turned-away" && answer.kind !== "none" && answer.kind !== "fault";
}

/** Whether the answer leaves open what became of the operation. */
export function isUnknown(answer: Answer): boolean {
  return (
    answer.kind === "none" ||
    answer.kind === "fault" ||
    (answer.kind === "turned-away" && answer.outcome !== "not applied")
  );
}

/** Whether it can be sent again without being done again. */
export function isRepeatable({ kind, lines }: Operation): boolean {
  return kind === "read" || (lines.length > 0 && lines.every(({ idempotencyKey }) => idempotencyKey !== null));
}
