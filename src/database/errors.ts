import { StorageError } from "../inventory/storage.ts";

/**
 * SQLSTATEs, by class or whole, that a second try may not meet again: connection exceptions, too few resources, operator
 * intervention (shutdown, starting up, a statement cancelled), system errors, serialization and deadlock, a lock not
 * available, and a server that is read-only because it is no longer the primary.
 */
const transientSqlStates: readonly string[] = ["08", "53", "57", "58", "40001", "40P01", "55P03", "25006", "25P02", "25P03", "3D000"];

/** Of an answer to COMMIT: PostgreSQL says for certain that it rolled back. */
const rolledBackSqlStates: ReadonlySet<string> = new Set(["40001", "40P01"]);

/**
 * Says what an error of a database transaction means for what it wrote.
 * @param phase "statements" while COMMIT has not been sent
 */
export function toStorageError(error: unknown, phase: "statements" | "commit"): StorageError {
  if (error instanceof StorageError) return error;
  const sqlState = sqlStateOf(error);
  const options = { sqlState, cause: error };
  if (phase === "commit" && (sqlState === null || isTransient(sqlState)) && !rolledBackSqlStates.has(sqlState ?? ""))
    return new StorageError("unknown", "The database did not say whether it committed", options);
  if (sqlState === null || isTransient(sqlState)) return new StorageError("transient", "The database could not take the transaction", options);
  return new StorageError("fault", "The database refused a statement", options);
}

/** Whether the database is away or overloaded, as opposed to refusing what it was asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const sqlState = sqlStateOf(error);
  if (sqlState !== null) return isTransient(sqlState);
  return isConnectionError(error);
}

/**
 * The five characters PostgreSQL gave. Prisma wraps them differently for queries, raw queries and COMMIT.
 * @returns null where there are none: the connection was lost, or could not be made
 */
export function sqlStateOf(error: unknown): string | null {
  for (const candidate of [path(error, "meta", "driverAdapterError", "cause"), path(error, "cause"), error]) {
    for (const field of ["originalCode", "code"]) {
      const code = path(candidate, field);
      if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^P[12]\d{3}$/.test(code)) return code;
    }
  }
  return null;
}

function isTransient(sqlState: string): boolean {
  return transientSqlStates.some((prefix) => sqlState.startsWith(prefix));
}

function path(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined), value);
}
