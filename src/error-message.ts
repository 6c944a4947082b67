import { types } from "node:util";

/** What an error says, for a line that people read. Several attempts at one thing, as at a host's addresses, make several errors. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(", ");
  return error instanceof Error || types.isNativeError(error) ? error.message : String(error);
}

/** The code of an error of Node or of the operating system; null without one. */
export function errorCodeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : null;
}
