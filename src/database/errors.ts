import { StorageError } from "../inventory/storage.ts";

/**
 * SQLSTATEs, by class or whole, that say that the database is away or has no room now, not that it refuses what it was
 * asked: connection exceptions, too few resources, operator intervention (shutdown, starting up, a statement cancelled),
 * system errors, a lock not available, sessions ended by a timeout, a server that is read-only because another one is the
 * primary now, and a database that does not exist yet.
 */
const unavailableSqlStates: readonly string[] = ["08", "53", "57", "58", "55P03", "25P03", "25P04", "25006", "3D000"];

/** Serialization failure and deadlock: PostgreSQL rolled back, also when they are its answer to COMMIT. */
const rolledBackSqlStates: ReadonlySet<string> = new Set(["40001", "40P01"]);

/**
 * What is said of a session rather than of a statement: connection exceptions, shutdowns, system and internal errors, time-outs of a transaction.
 * A pooler in between says so of the session behind it, whatever that has done by then.
 */
const sessionSqlStates: readonly string[] = ["08", "57P", "58", "XX", "25P"];

/** A lock was not granted in time. */
const lockNotAvailable = "55P03";

/** A row appeared that was not there when the rows were read: in a settlement, a race that the next try sees. */
const uniqueViolation = "23505";

/** Errors of our own making: trying again would not help. */
const ownFaults: ReadonlySet<string> = new Set([
  "AssertionError",
  "TypeError",
  "RangeError",
  "ReferenceError",
  "PrismaClientValidationError",
]);

/**
 * How far a settlement's database transaction has come. "statements": COMMIT has not been sent. "write": it was sent along with the
 * statement before it, which is not answered yet. "commit": only its own answer is missing.
 */
export type SettlementPhase = "statements" | "write" | "commit";

/** Says what an error of a settlement's database transaction means for what it wrote. */
export function toStorageError(error: unknown, phase: SettlementPhase): StorageError {
  if (error instanceof StorageError) return error;
  const sqlState = sqlStateOf(error);
  const options = { sqlState, cause: error };
  if (sqlState !== null && (rolledBackSqlStates.has(sqlState) || sqlState === uniqueViolation))
    return new StorageError("transient", "The database rolled the transaction back", options);
  if (mayHaveCommitted(error, sqlState, phase))
    return new StorageError("unknown", "The database did not say whether it committed", options);
  if (sqlState === lockNotAvailable) return new StorageError("held", "Somebody else holds one of the stocks", options);
  return isDatabaseUnavailable(error)
    ? new StorageError("transient", "The database could not take the transaction", options)
    : new StorageError("fault", "The transaction can't be settled", options);
}

function mayHaveCommitted(error: unknown, sqlState: string | null, phase: SettlementPhase): boolean {
  if (phase === "statements") return false;
  if (sqlState === null || startsWithAny(sqlState, sessionSqlStates)) return true;
  // PostgreSQL answers in the order of the statements: one that was refused has a COMMIT behind it that rolls back.
  return phase === "commit" && isDatabaseUnavailable(error);
}

/** Whether the database is away or overloaded, as opposed to refusing what it was asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const sqlState = sqlStateOf(error);
  if (sqlState !== null) return startsWithAny(sqlState, unavailableSqlStates);
  return !ownFaults.has(nameOf(error));
}

/**
 * The five characters PostgreSQL gave. Prisma wraps them differently for queries, raw queries and COMMIT.
 * @returns null where there are none: the connection was lost, or could not be made, or a time limit of ours ran out
 */
export function sqlStateOf(error: unknown): string | null {
  for (const candidate of [at(error, "meta", "driverAdapterError", "cause"), at(error, "cause"), error]) {
    for (const field of ["originalCode", "code"]) {
      const code = at(candidate, field);
      if (typeof code === "string" && sqlStatePattern.test(code)) return code;
    }
  }
  return null;
}

/** Prisma's own codes (P1001, P2028) and Node's (EPIPE) also have five characters, but none of PostgreSQL's classes. */
const sqlStatePattern = /^(?:\d[\dA-Z]|F0|HV|P0|XX)[\dA-Z]{3}$/;

function startsWithAny(sqlState: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => sqlState.startsWith(prefix));
}

function nameOf(error: unknown): string {
  const name = at(error, "name");
  return typeof name === "string" ? name : "";
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
