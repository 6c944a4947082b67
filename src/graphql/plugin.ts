import { HeaderMap } from "@apollo/server";
import type { ApolloServer, HTTPGraphQLRequest } from "@apollo/server";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { createApolloServer } from "./apollo-server.ts";
import { createContext } from "./context.ts";
import type { GraphQLContext, GraphQLServices } from "./context.ts";
import { codeOf, describeError, internalServerError, toRequestError } from "./errors.ts";
import { asksForEventStream, EventStreams } from "./event-stream.ts";
import { sandboxPolicy } from "./sandbox.ts";
import { createSchema } from "./schema.ts";
import { StreamSessions } from "./stream-sessions.ts";
import { Subscriptions } from "./subscriptions.ts";
import { acceptUpgrades } from "./upgrade.ts";
import { WebSockets } from "./websocket.ts";

/** Where the API is mounted. */
export const graphqlPath = "/graphql";

/**
 * Mounts the GraphQL API, and Apollo Sandbox for browsers, at /graphql: a thin handler over Apollo Server, which
 * leaves the request's bytes to Fastify. Every answer is JSON in GraphQL's shape, an unreadable body's too.
 */
export async function graphqlPlugin(app: FastifyInstance, services: GraphQLServices): Promise<void> {
  const schema = createSchema();
  const server = createApolloServer(schema, services.introspection, app.log);
  await server.start();
  const sessions = new StreamSessions(services);
  const subscriptions = new Subscriptions(schema, services);
  const eventStreams = new EventStreams(sessions, subscriptions);
  const webSockets = new WebSockets({ sessions, subscriptions, connectionsMax: services.webSocketsMax, log: app.log });
  acceptUpgrades(app.server, graphqlPath, (request, socket, head) => webSockets.accept(request, socket, head));
  app.addHook("preClose", async () => {
    sessions.close();
    await webSockets.close();
  });
  await app.register(async (scope) => {
    scope.addHook("onClose", () => server.stop());
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "string" }, scope.getDefaultJsonParser("error", "error"));
    scope.setErrorHandler(sendError);
    scope.route({
      method: ["GET", "POST"],
      url: graphqlPath,
      onRequest: refuseEncodedBody,
      handler: (request, reply) =>
        asksForEventStream(request) ? eventStreams.serve(request, reply) : handle(server, request, reply, services),
    });
    scope.route({
      method: ["PUT", "PATCH", "DELETE"],
      url: graphqlPath,
      onRequest: refuseMethod,
      handler: refuseMethod,
    });
  });
}

async function handle(
  server: ApolloServer<GraphQLContext>,
  request: FastifyRequest,
  reply: FastifyReply,
  services: GraphQLServices,
): Promise<FastifyReply> {
  const { status, headers, body } = await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: toApolloRequest(request),
    context: async () => {
      try {
        return await createContext(request, reply, services);
      } catch (error) {
        throw toRequestError(error);
      }
    },
  });
  if (body.kind !== "complete") throw new Error("Apollo Server answered in parts, which nothing in the schema does");
  for (const [name, value] of headers) reply.header(name, value);
  if (headers.get("content-type") === "text/html") {
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", sandboxPolicy(body.string));
  }
  return reply.code(status ?? 200).send(body.string);
}

function toApolloRequest(request: FastifyRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const searchStart = request.url.indexOf("?");
  return {
    method: request.method,
    headers,
    search: searchStart === -1 ? "" : request.url.slice(searchStart),
    body: request.body,
  };
}

/** Bodies are read as UTF-8 and as they are: anything else would be misread as malformed JSON at best. */
async function refuseEncodedBody(request: FastifyRequest): Promise<void> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers["content-type"] ?? "")?.[1] ?? "utf-8";
  if (encoding.toLowerCase() !== "identity")
    throw unsupported(`The content encoding ${encoding.slice(0, 50)} is not supported`);
  if (!["utf-8", "utf8"].includes(charset.toLowerCase()))
    throw unsupported(`The charset ${charset.slice(0, 50)} is not supported`);
}

function unsupported(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 415 });
}

async function refuseMethod(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return send(reply.header("allow", "GET, POST"), 405, "Use GET or POST");
}

/** Answers what failed before Apollo Server got to see it. */
async function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const known = describeError(error);
  if (known !== null) {
    const { status, retryAfterSeconds } = known.extensions;
    if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
    return reply.code(status).send({ errors: [known] });
  }
  const { statusCode = 500, message } = error;
  if (statusCode < 500) return send(reply, statusCode, message);
  request.log.error({ err: error }, "A GraphQL request met a fault");
  const extensions = { ...internalServerError.extensions, requestId: request.id };
  return reply.code(500).send({ errors: [{ message: internalServerError.message, extensions }] });
}

function send(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ errors: [{ message, extensions: { code: codeOf(status), status } }] });
}
