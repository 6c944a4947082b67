import type { ErrorStatus } from "./envelope.ts";

const descriptions: Partial<Record<ErrorStatus, string>> = {
  400: "The request is malformed; the detail says where.",
  401: "No access token, or one that is not valid.",
  403: "The access token lacks the scope.",
  404: "No such stock or stock transaction.",
  409: "The product is tracked already, or its stock has another version.",
  413: "The body is larger than 1 MiB.",
  415: "The body is not application/json in UTF-8.",
  422: "Insufficient stock, a level out of range, units still allocated, or an idempotency key used for another request.",
  429: "Too many requests.",
  500: "A fault of the gateway.",
  503: "The database is away, or did not answer in time.",
};

const retryAfter = { "Retry-After": { type: "integer", description: "Seconds to wait before trying again." } };
const replayed = {
  "Idempotent-Replayed": {
    type: "string",
    enum: ["true"],
    description: "`true` when this is the outcome of an earlier request with the same key.",
  },
};

/** Every answer that one route gives, for the OpenAPI document. */
interface RouteResponses {
  /** The status and the meaning of success. */
  readonly success: readonly [status: 200 | 201 | 204, description: string];
  /** The body's schema; none for an empty answer. */
  readonly body?: object;
  /** The refusals beside those that any route may give. */
  readonly refusals: readonly ErrorStatus[];
  /** Whether the route heeds Idempotency-Key. */
  readonly idempotent?: boolean;
  /** Whether it can be called without an access token. */
  readonly open?: boolean;
}

/** Describes a route's answers: its own, and those that any route may give. */
export function responsesOf({
  success: [status, description],
  body,
  refusals,
  idempotent = false,
  open = false,
}: RouteResponses): Record<string, object> {
  const headers = idempotent ? { headers: replayed } : {};
  const responses: Record<string, object> = { [status]: { description, ...(body ?? { type: "null" }), ...headers } };
  const common = open ? ([429, 500, 503] as const) : ([401, 403, 429, 500, 503] as const);
  for (const refused of [...common, ...refusals]) {
    const content = { "application/json": { schema: { $ref: "Refusal#" } } };
    responses[refused] = { description: descriptions[refused] ?? "", content, ...headersOf(refused, idempotent) };
  }
  return responses;
}

/** A key is spent on the domain's refusals too. */
function headersOf(status: ErrorStatus, idempotent: boolean): { headers?: object } {
  if (status === 429 || status === 503) return { headers: retryAfter };
  return idempotent && (status === 404 || status === 409 || status === 422) ? { headers: replayed } : {};
}

/** `{data: …}` around something. */
export function dataOf(schema: object): object {
  return { type: "object", required: ["data"], properties: { data: schema } };
}

/** One page of a list. */
export function listOf(schema: object): object {
  return {
    type: "object",
    required: ["data", "links", "meta"],
    properties: { data: { type: "array", items: schema }, links: { $ref: "PageLinks#" }, meta: { $ref: "Page#" } },
  };
}
