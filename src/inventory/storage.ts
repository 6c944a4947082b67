import type { SettleState, Settlement } from "./settlement.ts";

/** An idempotency key as it is looked up: the client that sent it, and the key. */
export interface KeyReference {
  readonly clientId: string;
  readonly idempotencyKey: string;
}

/** What a group of commands touches, for the database to lock and read. */
export interface GroupScope {
  /** Distinct, in any order; the storage locks them in an order of its own that is the same everywhere. */
  readonly productIds: readonly string[];
  readonly keys: readonly KeyReference[];
  /** Commands that an earlier attempt, whose commit was not acknowledged, may have written. Empty at the first attempt. */
  readonly unresolvedCommandIds: readonly string[];
  /** Those that somebody else was seen to hold: they are waited for before anything is locked. */
  readonly heldProductIds: readonly string[];
}

/** What the domain needs from a database to settle commands. */
export interface InventoryStorage {
  /**
   * Runs one group in one database transaction: locks the stocks, reads keys under the locks, asks `decide`, writes what
   * it decided and commits. `decide` is called at most once and must be pure.
   * @param deadline a time of performance.now(), which no clock that is put forward or back moves; the transaction is over by then, or has failed
   * @returns what was decided and is now durable
   * @throws StorageError
   */
  settle(
    scope: GroupScope,
    deadline: number,
    decide: (state: SettleState, now: Date) => Settlement,
  ): Promise<Settlement>;

  /**
   * Which of these products somebody else holds at the moment, after {@link settle} could not have them all.
   * @throws StorageError "transient"
   */
  findHeld(productIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/**
 * A group was not settled, or may not have been.
 * "transient": nothing was written, and trying again may work (a deadlock, a lost connection, a database starting up).
 * "held": the same, because somebody else holds one of the stocks and does not let go of it.
 * "unknown": COMMIT may have been sent, and its answer did not come.
 * "fault": nothing was written, and trying the same again would fail the same way.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly kind: "transient" | "held" | "unknown" | "fault";
  /** The five characters PostgreSQL gave, where it gave any. */
  readonly sqlState: string | null;

  constructor(
    kind: StorageError["kind"],
    message: string,
    options: { sqlState?: string | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.sqlState = options.sqlState ?? null;
  }
}
