import { types } from "node:util";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { ForbiddenError, UnauthenticatedError } from "../access/principal.ts";
import { RateLimitedError } from "../access/rate-limited-error.ts";
import { InvalidInputError, refusalCatalogue, ServiceUnavailableError, StockError } from "../inventory/errors.ts";
import { errorEnvelope, isErrorStatus, notFoundDetail } from "./envelope.ts";
import type { ErrorEnvelope, ErrorStatus } from "./envelope.ts";

/** The request is refused for a reason that only this transport knows: its form, path or method. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: ErrorStatus;
  /** Response headers that belong to the refusal, `allow` of a 405 for one. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ErrorStatus, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

/** A refusal, ready to be sent. */
export interface ErrorAnswer {
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorEnvelope;
}

/**
 * The one place where errors become the vendor's envelope. What is not known is a 500 that tells nothing.
 * @param error whatever was thrown: of the domain, of access control, of this transport or of Fastify
 */
export function errorAnswerOf(error: unknown): ErrorAnswer {
  if (error instanceof StockError) return stockErrorAnswerOf(error);
  if (error instanceof InvalidInputError) return answerOf(400, invalidInputDetailOf(error));
  if (error instanceof UnauthenticatedError) return answerOf(401);
  if (error instanceof ForbiddenError) return answerOf(403, error.message);
  if (error instanceof RequestError) return { ...answerOf(error.status, error.message), headers: error.headers };
  if (error instanceof RateLimitedError)
    return { ...answerOf(429, error.message), headers: { "retry-after": String(error.retryAfterSeconds) } };
  if (error instanceof ServiceUnavailableError)
    return { ...answerOf(503, error.message), headers: { "retry-after": String(error.retryAfterSeconds) } };
  return frameworkErrorAnswerOf(error);
}

/** The same, with the request's id where its reader learns nothing else: by it the log's line with the cause is found. */
export function errorAnswerTo({ id }: FastifyRequest, error: unknown): ErrorAnswer {
  const answer = errorAnswerOf(error);
  return answer.status === 500 ? { ...answer, body: errorEnvelope(500, `The request's id is ${id}`) } : answer;
}

/** Sends the refusal. A fault of ours is logged with its cause; its reader gets only the status. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = errorAnswerTo(request, error);
  if (answer.status === 500) request.log.error({ err: error }, "A REST request failed");
  else if (answer.status === 503) request.log.warn({ err: error }, "A REST request was turned away");
  return reply.code(answer.status).headers(answer.headers).type("application/json; charset=utf-8").send(answer.body);
}

/** Answers what no route takes. */
export function answerNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send(errorEnvelope(404, notFoundDetail));
}

function answerOf(status: ErrorStatus, detail?: string): ErrorAnswer {
  return { status, headers: {}, body: errorEnvelope(status, detail) };
}

/** A missing stock reads like every other missing resource, as the vendor has it. */
function stockErrorAnswerOf(error: StockError): ErrorAnswer {
  const { status, detail } = refusalCatalogue[error.refusal.code];
  const headers: Record<string, string> = error.replayed ? { "idempotent-replayed": "true" } : {};
  return { ...answerOf(status, status === 404 ? notFoundDetail : detail), headers };
}

/** Where the domain's arguments stand in a REST request. */
const fieldNames: ReadonlyMap<string, string> = new Map([
  ["productId", "The product id"],
  ["idempotencyKey", "Idempotency-Key"],
  ["expectedVersion", "data.expected_version"],
  ["quantity", "data.quantity"],
  ["reference", "data.reference"],
  ["note", "data.note"],
]);

/** Words the domain's message in the names of a REST request; its lines are items of `data`. */
function invalidInputDetailOf({ field, message }: InvalidInputError): string {
  return message.replace(/^transactions(?=\[)/, "data").replace(field, fieldNames.get(field) ?? field);
}

const frameworkDetails: ReadonlyMap<string, string> = new Map([
  ["FST_ERR_CTP_EMPTY_JSON_BODY", "The body is empty; it has to be JSON"],
  ["FST_ERR_CTP_INVALID_JSON_BODY", "The body is not JSON"],
  ["FST_ERR_CTP_BODY_TOO_LARGE", "The body is too large"],
  ["FST_ERR_CTP_INVALID_MEDIA_TYPE", "The body has to be application/json"],
  ["FST_ERR_CTP_INVALID_CONTENT_LENGTH", "The body is not as long as Content-Length says"],
  ["FST_ERR_BAD_URL", "The path is not correctly percent-encoded"],
]);

/** Fastify's own errors and its plugins'. Their messages may quote the request, so that only known ones are worded, here. */
function frameworkErrorAnswerOf(error: unknown): ErrorAnswer {
  // Node's own errors may be of another realm's class; Fastify's are no native ones.
  if (!(error instanceof Error) && !types.isNativeError(error)) return answerOf(500);
  const { statusCode = 500, code = "", validation }: Partial<FastifyError> = error;
  if (validation !== undefined) return answerOf(400, error.message);
  if (!isErrorStatus(statusCode) || statusCode >= 500) return answerOf(500);
  return answerOf(statusCode, statusCode === 404 ? notFoundDetail : frameworkDetails.get(code));
}
