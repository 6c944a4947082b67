import type { FastifyReply, FastifyRequest } from "fastify";
import { readIdempotencyHeader } from "../idempotency-header.ts";
import { parseIdempotencyKey } from "../inventory/input.ts";
import { RequestError } from "./errors.ts";

/**
 * The request's idempotency key; null when it has none.
 * @throws InvalidInputError, RequestError (400)
 */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const header = readIdempotencyHeader(request.raw);
  if (header.kind === "several") throw new RequestError(400, "Idempotency-Key has to be one key, without a comma");
  return header.kind === "none" ? null : parseIdempotencyKey(header.key);
}

/**
 * For a route that takes no key: ignored, it would leave a caller believing that the request is safe to send again.
 * @throws RequestError (400)
 */
export function refuseIdempotencyKey(request: FastifyRequest): void {
  if (readIdempotencyHeader(request.raw).kind !== "none")
    throw new RequestError(400, "Idempotency-Key is not taken here");
}

/** Tells the caller that this is the outcome of an earlier request with the same key. */
export function markReplayed(reply: FastifyReply, replayed: boolean): void {
  if (replayed) void reply.header("idempotent-replayed", "true");
}
