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

/**
 * For a route that takes no key: ignored, it would leave a caller believing that the request is safe to send again.
 * @throws RequestError (400)
 */
export function refuseIdempotencyKey(request: FastifyRequest): void {
  if (request.headers["idempotency-key"] !== undefined)
    throw new RequestError(400, "Idempotency-Key is not taken here");
}

/** Tells the caller that this is the outcome of an earlier request with the same key. */
export function markReplayed(reply: FastifyReply, replayed: boolean): void {
  if (replayed) void reply.header("idempotent-replayed", "true");
}
