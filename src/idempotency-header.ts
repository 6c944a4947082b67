import type { IncomingMessage } from "node:http";

/** What the Idempotency-Key headers of a request come to. */
export type IdempotencyHeader =
  | { readonly kind: "none" }
  | { readonly kind: "one"; readonly key: string }
  /** Nobody can say which one is meant. */
  | { readonly kind: "several" };

/** Reads the header as it was sent: twice the same is one; different ones may arrive as two, or joined with a comma. */
export function readIdempotencyHeader(
  request: Pick<IncomingMessage, "headers" | "headersDistinct">,
): IdempotencyHeader {
  // Node makes the distinct ones of all headers when it is asked for them.
  if (request.headers["idempotency-key"] === undefined) return { kind: "none" };
  const keys = new Set(request.headersDistinct["idempotency-key"]);
  const [key] = keys;
  if (key === undefined) return { kind: "none" };
  return keys.size > 1 || key.includes(",") ? { kind: "several" } : { kind: "one", key };
}
