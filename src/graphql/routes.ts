import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { HeaderMap } from "@apollo/server";
import type { ApolloServer, BaseContext, HTTPGraphQLRequest } from "@apollo/server";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { jsonTooDeep, nestsTooDeep } from "../json-depth.ts";
import { codeOf, describeError, internalServerError } from "./errors.ts";
import { sandboxPolicy } from "./sandbox.ts";

/** Where the API is mounted. */
export const graphqlPath = "/graphql";

/**
 * The routes of a GraphQL API, which leave the request's bytes to Fastify. Every answer is JSON in GraphQL's shape, an
 * unreadable body's too.
 * @param scope a Fastify instance of its own: its parsers and its error handler are replaced
 */
export function graphqlRoutes(
  scope: FastifyInstance,
  url: string,
  serve: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  scope.removeAllContentTypeParsers();
  const parseJson = scope.getDefaultJsonParser("error", "error");
  scope.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    // Node would make U+FFFD of each byte that it can't read, and so one product of many.
    if (!isUtf8(body)) return done(refusal(400, "The body is not UTF-8"));
    const text = body.toString();
    if (nestsTooDeep(text)) return done(refusal(400, jsonTooDeep));
    void parseJson(request, text, done);
  });
  // Apollo Server itself turns it away: what a page of a stranger's can send without being asked for leave.
  scope.addContentTypeParser("text/plain", { parseAs: "string" }, (_request, body, done) => done(null, body));
  scope.setErrorHandler(sendError);
  scope.route({ method: "POST", url, onRequest: refuseEncodedBody, handler: serve });
  scope.route({ method: "GET", url, onRequest: [refuseEncodedBody, refuseDeepParameters], handler: serve });
  scope.route({
    method: ["PUT", "PATCH", "DELETE"],
    url,
    onRequest: refuseMethod,
    handler: refuseMethod,
  });
}

/** Answers a request with what an Apollo Server makes of it. */
export async function execute<Context extends BaseContext>(
  server: ApolloServer<Context>,
  request: FastifyRequest,
  reply: FastifyReply,
  createContext: () => Promise<Context>,
): Promise<FastifyReply> {
  const { status, headers, body } = await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: toApolloRequest(request),
    context: createContext,
  });
  reply.code(status ?? 200);
  for (const [name, value] of headers) reply.header(name, value);
  if (body.kind === "chunked") return reply.send(Readable.from(body.asyncIterator));
  if (headers.get("content-type") === "text/html") {
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", sandboxPolicy(body.string));
  }
  return reply.send(body.string);
}

function toApolloRequest(request: FastifyRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return { method: request.method, headers, search: searchOf(request.url), body: request.body };
}

function searchOf(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start);
}

/** Bodies are read as UTF-8 and as they are: anything else would be misread as malformed JSON at best. */
function refuseEncodedBody(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const encoding = request.headers["content-encoding"] ?? "identity";
  const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers["content-type"] ?? "")?.[1] ?? "utf-8";
  if (encoding.toLowerCase() !== "identity")
    throw refusal(415, `The content encoding ${encoding.slice(0, 50)} is not supported`);
  if (!["utf-8", "utf8"].includes(charset.toLowerCase()))
    throw refusal(415, `The charset ${charset.slice(0, 50)} is not supported`);
  done();
}

/** What a GET has of JSON stands in its URL. */
function refuseDeepParameters({ url }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const parameters = new URLSearchParams(searchOf(url));
  if ([...parameters.getAll("variables"), ...parameters.getAll("extensions")].some(nestsTooDeep))
    throw refusal(400, jsonTooDeep);
  done();
}

function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}

async function refuseMethod(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return send(reply.header("allow", "GET, POST"), 405, "Use GET or POST");
}

/** Answers what failed before Apollo Server got to see it. */
async function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const known = describeError(error);
  if (known !== null) {
    const { status, retryAfterSeconds } = known.extensions;
    if (status === 401) reply.header("www-authenticate", "Bearer");
    if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
    return reply.code(status).send({ errors: [known] });
  }
  const { statusCode = 500, message, code } = error;
  if (statusCode < 500)
    return send(reply, statusCode, code === "FST_ERR_CTP_INVALID_JSON_BODY" ? "Invalid JSON in the body" : message);
  request.log.error({ err: error }, "A GraphQL request met a fault");
  const extensions = { ...internalServerError.extensions, requestId: request.id };
  return reply.code(500).send({ errors: [{ message: internalServerError.message, extensions }] });
}

function send(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ errors: [{ message, extensions: { code: codeOf(status), status } }] });
}
