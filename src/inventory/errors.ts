import type { StockAction } from "./actions.ts";

interface CatalogueEntry {
  /** The HTTP status that says the same. */
  readonly status: 404 | 409 | 422 | 424;
  readonly title: string;
  readonly detail: string;
}

/** Each way the domain refuses a well-formed command, with what it says. */
export const refusalCatalogue = {
  INSUFFICIENT_STOCK: {
    status: 422,
    title: "Cannot complete request",
    detail: "Your request could not be completed due to insufficient stock levels",
  },
  QUANTITY_OUT_OF_RANGE: {
    status: 422,
    title: "Cannot complete request",
    detail: "The stock level would pass 2147483647",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: "Cannot complete request",
    detail: "The idempotency key was used for a request with other arguments",
  },
  STOCK_NOT_FOUND: {
    status: 404,
    title: "Not Found",
    detail: "The product has no stock",
  },
  STOCK_ALREADY_EXISTS: {
    status: 409,
    title: "Conflict",
    detail: "The product has stock already",
  },
  STALE_VERSION: {
    status: 409,
    title: "Conflict",
    detail: "The stock has changed: expectedVersion is not its current version",
  },
  STOCK_STILL_ALLOCATED: {
    status: 422,
    title: "Cannot complete request",
    detail: "The stock can't be deleted while units are allocated",
  },
  BATCH_NOT_APPLIED: {
    status: 424,
    title: "Failed Dependency",
    detail: "Not applied because another line of the same all-or-nothing batch was refused",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type StockErrorCode = keyof typeof refusalCatalogue;

/**
 * Why a command was refused, as data: what was asked, and the levels that the refusal was decided on, read under the
 * row lock. The levels are null where the product is not tracked, all three numbers where no stock was looked at.
 */
export interface Refusal {
  readonly code: StockErrorCode;
  readonly productId: string;
  readonly action: StockAction | null;
  /** The quantity asked for, in units. */
  readonly requested: number | null;
  readonly available: number | null;
  readonly allocated: number | null;
  readonly version: number | null;
}

/** A command was refused by a rule of the domain; nothing was changed. */
export class StockError extends Error {
  override readonly name = "StockError";
  readonly refusal: Refusal;
  /** Whether the refusal is that of an earlier request with the same idempotency key. */
  readonly replayed: boolean;

  constructor(refusal: Refusal, replayed: boolean) {
    super(refusalCatalogue[refusal.code].detail);
    this.refusal = refusal;
    this.replayed = replayed;
  }
}

/** A request is malformed: it names no command that the domain could settle. Nothing was changed. */
export class InvalidInputError extends Error {
  override readonly name = "InvalidInputError";
  /** The argument at fault. */
  readonly field: string;
  /** The line of a batch, from 0; null outside batches. */
  readonly index: number | null;

  constructor(field: string, message: string, index: number | null = null) {
    super(index === null ? message : `transactions[${index}]: ${message}`);
    this.field = field;
    this.index = index;
  }
}

/**
 * The gateway can't settle the request now.
 * "not applied": for certain, so that it may be sent again as it is.
 * "unknown": the database's answer to COMMIT was lost; the idempotency key tells which.
 */
export class ServiceUnavailableError extends Error {
  override readonly name = "ServiceUnavailableError";
  readonly outcome: "not applied" | "unknown";
  readonly retryAfterSeconds: number;

  constructor(
    message: string,
    outcome: "not applied" | "unknown",
    options: { retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.outcome = outcome;
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1;
  }
}

/** A client, or all of them together, watch the feed as often as they may: 429. */
export class TooManyWatchersError extends Error {
  override readonly name = "TooManyWatchersError";
  /** Others may have left by then. */
  readonly retryAfterSeconds = 10;

  constructor(who: string, watchersMax: number) {
    super(`${who} has ${watchersMax} subscriptions open, the most there may be`);
  }
}

/** A watcher didn't take what it was sent: it was cut off, and may come back and go on from its last cursor. */
export class SlowWatcherError extends Error {
  override readonly name = "SlowWatcherError";

  constructor() {
    super("The subscriber did not take what it was sent in time");
  }
}
