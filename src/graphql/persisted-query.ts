import type { FastifyRequest } from "fastify";
import { InvalidInputError } from "../inventory/errors.ts";

/**
 * Refuses a persisted query whose hash is no text. Apollo Server would make one of whatever stands there and not know it,
 * which a client takes as a call to send the query as well.
 * @throws InvalidInputError
 */
export function checkPersistedQuery(request: FastifyRequest): void {
  const persistedQuery = memberOf(extensionsOf(request), "persistedQuery");
  if (typeof persistedQuery !== "object" || persistedQuery === null) return;
  if (typeof memberOf(persistedQuery, "sha256Hash") !== "string")
    throw new InvalidInputError(
      "extensions.persistedQuery.sha256Hash",
      "sha256Hash has to be the query's hash, as text",
    );
}

function extensionsOf({ method, body, query }: FastifyRequest): unknown {
  if (method === "POST") return memberOf(body, "extensions");
  const text = memberOf(query, "extensions");
  try {
    return typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    // Apollo Server says so itself.
    return null;
  }
}

function memberOf(holder: unknown, name: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, name) : undefined;
}
