import type { FastifyReply, FastifyRequest } from "fastify";
import { parseIdempotencyKey } from "../inventory/input.ts";
import { RequestError } from "./errors.ts";

/**
 * The request's idempotency key; null when it has none. Two different ones, which proxies join with a comma, are
 * refused: nobody can say which is meant.
 * @throws InvalidInputError, RequestError (400)
 */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const keys = new Set(request.raw.headersDistinct["idempotency-key"]);
  const [key] = keys;
  if (key === undefined) return null;
  if (keys.size > 1 || key.includes(","))
    throw new RequestError(400, "Idempotency-Key has to be one key, without a comma");
  return parseIdempotencyKey(key);
}

/** Tells the caller that this is the outcome of an earlier request with the same key. */
export function markReplayed(reply: FastifyReply, replayed: boolean): void {
  if (replayed) void reply.header("idempotent-replayed", "true");
}
