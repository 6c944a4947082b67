import { STATUS_CODES } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { codeOf, describeError, internalServerError } from "../graphql/errors.ts";
import { graphqlPath } from "../graphql/routes.ts";
import type { ErrorEnvelope } from "../rest/envelope.ts";
import { errorAnswerTo } from "../rest/errors.ts";

/**
 * Answers what no transport has: an unreadable path or body, a fault outside of the routes. Its reader gets the status and
 * words of ours, never a stack; a fault of ours is logged.
 */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = errorAnswerTo(request, error);
  if (status === 500) request.log.error({ err: error }, "A request failed");
  return reply
    .code(status)
    .headers(headers)
    .type("application/json; charset=utf-8")
    .send(isBelowGraphql(request.url) ? inGraphql(error, request, body) : body);
}

/** The same refusal in GraphQL's form. */
function inGraphql(
  error: unknown,
  { id }: FastifyRequest,
  { errors: [{ status, title, detail }] }: ErrorEnvelope,
): object {
  const known = describeError(error);
  if (known !== null) return { errors: [known] };
  if (status !== 500) return graphqlBody(status, detail ?? title);
  const { message, extensions } = internalServerError;
  return { errors: [{ message, extensions: { ...extensions, requestId: id } }] };
}

/** Answers a path that is not there. */
export function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = Object.assign(new Error("Not Found"), { statusCode: 404 });
  return answerFailure(error, request, reply);
}

/** Answers an Expect header other than 100-continue, for which Node has an answer without a body. */
export function answerExpectation(request: IncomingMessage, response: ServerResponse): void {
  const status = 417;
  const title = "Expectation Failed";
  const answer = isBelowGraphql(request.url ?? "") ? graphqlBody(status, title) : { errors: [{ status, title }] };
  const body = JSON.stringify(answer);
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "x-content-type-options": "nosniff",
      connection: "close",
    })
    .end(body);
}

/** Statuses of requests that Node's HTTP parser turns away, by its codes; others are malformed: 400. */
const parserStatuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers on the bare connection, and closes it, when what arrives is no request or does not arrive in time. */
export function answerUnreadable(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = parserStatuses[error.code ?? ""] ?? 400;
  const title = STATUS_CODES[status] ?? "Bad Request";
  const detail = "The request can't be read as HTTP";
  const start = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString("latin1", 0, 64) : "";
  const isGraphql = isBelowGraphql(/^[A-Z]+ (\S*)/.exec(start)?.[1] ?? "");
  const restTitle = status === 400 ? "Validation Error" : title;
  const body = JSON.stringify(
    isGraphql ? graphqlBody(status, title) : { errors: [{ status, title: restTitle, detail }] },
  );
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "X-Content-Type-Options: nosniff",
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

/** Failures there are told in GraphQL's form, all others in Elastic Path's. */
function isBelowGraphql(url: string): boolean {
  const [path = ""] = url.split("?", 1);
  return path === graphqlPath || path.startsWith(`${graphqlPath}/`);
}

function graphqlBody(status: number, message: string): object {
  return { errors: [{ message, extensions: { code: codeOf(status), status } }] };
}
