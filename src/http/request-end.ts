import type { FastifyReply, FastifyRequest } from "fastify";
import { principalDecorator } from "../access/principal.ts";
import type { Principal } from "../access/principal.ts";
import { asksForEventStream } from "../graphql/event-stream.ts";
import { operationDecorator } from "../graphql/operation.ts";
import type { AnsweredOperation } from "../graphql/operation.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { RequestSpans } from "./request-spans.ts";

/** Who is told of each request, besides the log. Null where nobody asks for them. */
export interface RequestWatchers {
  readonly metrics: Metrics | null;
  readonly spans: RequestSpans | null;
}

/** How a request ended. */
interface RequestEnd {
  /** Null for a request that got to no GraphQL operation. */
  readonly operation: AnsweredOperation | null;
  /** Who asked, as far as that is known. */
  readonly client: string | undefined;
  readonly outcome: "OK" | "REFUSED" | "FAILED" | "ABORTED";
}

/** Names longer than that are cut off in the log. */
const loggedNameMax = 100;
/** Stands in the log for a path that is none of ours: what was misspelt may hold a token, or a customer's data. */
const unmatched = "unmatched";

/**
 * Tells of a request at its end, and logs it: one line, with neither headers nor bodies nor the query, for they may hold
 * secrets, and with the route in place of the path that has a product's id in it, or whatever was misspelt.
 * @param how what became of its connection: lost before the end of the answer, or answered before there was a route
 */
export function noteEnd(
  request: FastifyRequest,
  reply: FastifyReply,
  { metrics, spans }: RequestWatchers,
  how: "answered" | "aborted" | "unrouted",
): void {
  const end = endOf(request, reply, how);
  const { operation, client, outcome } = end;
  const { method, routeOptions } = request;
  const ms = Math.round(reply.elapsedTime * 10) / 10;
  const path = routeOptions.url ?? unmatched;
  const trace = spans?.end(request, reply, end);
  const { operation: toldOperation, code } = loggedOf(operation);
  const status = reply.statusCode;
  request.log.info({ method, path, operation: toldOperation, code, status, outcome, ms, client, trace }, "request");
  // A stream takes as long as it is listened to.
  if (metrics === null || asksForEventStream(request)) return;
  metrics.countRequest({
    method,
    route: routeOptions.url ?? null,
    status: outcome === "ABORTED" ? "aborted" : reply.statusCode,
    seconds: reply.elapsedTime / 1_000,
    operation,
  });
}

function endOf(
  request: FastifyRequest,
  { statusCode }: FastifyReply,
  how: "answered" | "aborted" | "unrouted",
): RequestEnd {
  const outcome = statusCode >= 500 ? "FAILED" : statusCode >= 400 ? "REFUSED" : "OK";
  // No hook has run for it: the transports can have left nothing there.
  if (how === "unrouted") return { operation: null, client: undefined, outcome };
  const operation = request.getDecorator<AnsweredOperation | null>(operationDecorator);
  const client = request.getDecorator<Principal | null>(principalDecorator)?.clientId;
  return { operation, client, outcome: how === "aborted" ? "ABORTED" : (operation?.outcome ?? outcome) };
}

/** Members that are undefined are left out of the line. */
function loggedOf(operation: AnsweredOperation | null): Readonly<Record<"operation" | "code", unknown>> {
  if (operation === null) return { operation: undefined, code: undefined };
  const { type, field, name, code } = operation;
  const told = type === "" ? undefined : { type, field, name: name?.slice(0, loggedNameMax) };
  return { operation: told, code: code ?? undefined };
}
