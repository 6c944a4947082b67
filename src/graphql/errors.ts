import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError } from "graphql";
import type { GraphQLFormattedError } from "graphql";
import type { FastifyBaseLogger } from "fastify";
import { ForbiddenError, UnauthenticatedError } from "../access/principal.ts";
import { RateLimitedError } from "../access/rate-limited-error.ts";
import {
  InvalidInputError,
  ServiceUnavailableError,
  SlowWatcherError,
  StockError,
  TooManyWatchersError,
} from "../inventory/errors.ts";
import { toStockError } from "./stock-error.ts";

/** What a client reads of an error. */
interface ErrorDescription {
  readonly message: string;
  /** `code` and `status` always; the rest depends on the code. */
  readonly extensions: { readonly code: string; readonly status: number; readonly [name: string]: unknown };
}

/** The statuses of the codes that Apollo Server itself answers with. */
const statusOfApolloCodes: Readonly<Record<string, number>> = {
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  BAD_USER_INPUT: 400,
  BAD_REQUEST: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  PERSISTED_QUERY_NOT_FOUND: 404,
  PERSISTED_QUERY_NOT_SUPPORTED: 400,
};

/**
 * Says in a client's words what became of its request: the only place where errors of the domain and of access control
 * become GraphQL's.
 * @returns null for a fault of ours, of which a client learns nothing
 */
export function describeError(error: unknown): ErrorDescription | null {
  if (error instanceof StockError) {
    const { code, status, ...fields } = toStockError(error.refusal);
    return { message: error.message, extensions: { code, status, ...fields, replayed: error.replayed } };
  }
  if (error instanceof InvalidInputError) {
    const { message, field, index } = error;
    return {
      message,
      extensions: { code: "BAD_USER_INPUT", status: 400, field, ...(index === null ? {} : { index }) },
    };
  }
  if (error instanceof UnauthenticatedError)
    return { message: error.message, extensions: { code: "UNAUTHENTICATED", status: 401 } };
  if (error instanceof ForbiddenError) {
    return { message: error.message, extensions: { code: "FORBIDDEN", status: 403, scope: error.scope } };
  }
  if (error instanceof RateLimitedError) {
    const { message, retryAfterSeconds } = error;
    return { message, extensions: { code: "RATE_LIMITED", status: 429, outcome: "not applied", retryAfterSeconds } };
  }
  if (error instanceof ServiceUnavailableError) {
    const { message, outcome, retryAfterSeconds } = error;
    return { message, extensions: { code: "SERVICE_UNAVAILABLE", status: 503, outcome, retryAfterSeconds } };
  }
  if (error instanceof TooManyWatchersError) {
    const { message, retryAfterSeconds } = error;
    return { message, extensions: { code: "RATE_LIMITED", status: 429, retryAfterSeconds } };
  }
  if (error instanceof SlowWatcherError)
    return { message: error.message, extensions: { code: "REQUEST_TIMEOUT", status: 408 } };
  return null;
}

/** For an error before there is an operation: the HTTP status is the error's own then, since nothing was executed. */
export function toRequestError(error: unknown): unknown {
  const description = describeError(error);
  if (description === null) return error;
  const { status, retryAfterSeconds } = description.extensions;
  const headers = new Map<string, string>();
  if (status === 401) headers.set("www-authenticate", "Bearer");
  if (retryAfterSeconds !== undefined) headers.set("retry-after", `${Number(retryAfterSeconds)}`);
  return new GraphQLError(description.message, {
    extensions: { ...description.extensions, http: { status, headers } },
  });
}

/** Whether an error is a fault of ours, to be logged with its cause. */
export function isFault(error: unknown): boolean {
  return describeError(unwrapResolverError(error)) === null && statusOfGraphQLError(error) === null;
}

/** Writes a fault down with its cause, for those who are asked about it. */
export function logFault(log: Pick<FastifyBaseLogger, "error">, error: GraphQLError): void {
  log.error({ err: error.originalError ?? error, path: error.path?.join(".") }, "A GraphQL request met a fault");
}

/** Apollo Server's `formatError`. */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  options: { readonly hidesSchema: boolean },
): GraphQLFormattedError {
  const { path, locations } = formatted;
  const place = { ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) };
  const description = describeError(unwrapResolverError(error));
  if (description !== null) return { ...description, ...place };
  const status = statusOfGraphQLError(error);
  if (status === null) return { ...internalServerError, ...place };
  const message = options.hidesSchema
    ? messageOf(formatted).replace(/ ?Did you mean [^?]*\?/g, "")
    : messageOf(formatted);
  const own: unknown = error instanceof GraphQLError ? error.extensions["code"] : undefined;
  return {
    message,
    ...place,
    extensions: {
      ...formatted.extensions,
      code: typeof own === "string" && own !== "BAD_REQUEST" ? own : codeOf(status),
      status,
    },
  };
}

/** The parser recurses: a document of nothing but brackets takes more stack than there is before it has too many tokens. */
function messageOf({ message, extensions }: GraphQLFormattedError): string {
  const isOverflow = extensions?.["code"] === "GRAPHQL_PARSE_FAILED" && !message.startsWith("Syntax Error");
  return isOverflow ? "Syntax Error: The document is nested too deeply." : message;
}

/** What a client learns of a fault; the request's id is added where it is known. */
export const internalServerError: ErrorDescription = {
  message: "Internal server error",
  extensions: { code: "INTERNAL_SERVER_ERROR", status: 500 },
};

/** An error that graphql-js, Apollo Server or this layer made on purpose; null for anything else. */
function statusOfGraphQLError(error: unknown): number | null {
  if (!(error instanceof GraphQLError)) return null;
  const { code, status, http } = error.extensions;
  if (typeof status === "number") return status;
  const httpStatus: unknown = typeof http === "object" && http !== null ? Reflect.get(http, "status") : undefined;
  if (typeof httpStatus === "number" && httpStatus >= 400) return httpStatus;
  if (typeof code === "string") return statusOfApolloCodes[code] ?? null;
  return isRequestError(error) ? 400 : null;
}

/**
 * Whether graphql-js refused what came with the request, which it does without a code: a variable or the operation's name
 * before anything is executed, an argument (a variable is null where none may be) in place of a resolver's answer.
 */
function isRequestError({ originalError, message }: GraphQLError): boolean {
  if (originalError === undefined) return true;
  return originalError instanceof GraphQLError && isRequestMessage(message);
}

/** Whether graphql-js says so of an argument or a variable. */
export function isRequestMessage(message: string): boolean {
  return /^(?:Argument|Variable) "/.test(message);
}

/** The code of an error that has none of its own, or only that of Apollo Server for whatever is wrong with HTTP. */
export function codeOf(status: number): string {
  return codes[status] ?? "BAD_USER_INPUT";
}

const codes: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  406: "NOT_ACCEPTABLE",
  408: "REQUEST_TIMEOUT",
  413: "PAYLOAD_TOO_LARGE",
  414: "URI_TOO_LONG",
  415: "UNSUPPORTED_MEDIA_TYPE",
  417: "EXPECTATION_FAILED",
  429: "RATE_LIMITED",
  431: "HEADERS_TOO_LARGE",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};
