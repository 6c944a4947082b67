import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { createApolloServer } from "./apollo-server.ts";
import { createContext } from "./context.ts";
import type { GraphQLContext, GraphQLServices } from "./context.ts";
import { describeError, internalServerError, toRequestError } from "./errors.ts";
import { asksForEventStream, EventStreams } from "./event-stream.ts";
import { noteRefusal } from "./operation.ts";
import { traceOperation } from "./operation-span.ts";
import { checkPersistedQuery } from "./persisted-query.ts";
import { execute, graphqlPath, graphqlRoutes } from "./routes.ts";
import { createSchema } from "./schema.ts";
import { StreamSessions } from "./stream-sessions.ts";
import { streamTimings } from "./stream-timings.ts";
import { Subscriptions } from "./subscriptions.ts";
import { acceptUpgrades, asksForWebSocket } from "./upgrade.ts";
import { WebSockets } from "./websocket.ts";

/** Mounts the GraphQL API, and Apollo Sandbox for browsers, at /graphql: over HTTP, WebSocket and server-sent events. */
export async function graphqlPlugin(app: FastifyInstance, services: GraphQLServices): Promise<void> {
  const schema = createSchema({
    federation: services.federation,
    isHidden: services.introspection === "off",
  });
  const server = createApolloServer(schema, { ...services, log: app.log });
  await server.start();
  const timings = { ...streamTimings, ...services.streamTimings };
  const sessions = new StreamSessions(services, timings);
  const subscriptions = new Subscriptions(schema, services);
  const eventStreams = new EventStreams(sessions, subscriptions);
  const webSockets = new WebSockets({
    sessions,
    subscriptions,
    connectionsMax: services.webSocketsMax,
    timings,
  });
  acceptUpgrades(app, graphqlPath);
  app.addHook("preClose", async () => {
    sessions.close();
    await webSockets.close();
  });
  await app.register(async (scope) => {
    scope.addHook("onClose", () => server.stop());
    graphqlRoutes(scope, graphqlPath, (request, reply) => {
      if (asksForWebSocket(request)) return webSockets.serve(request, reply);
      if (asksForEventStream(request)) return eventStreams.serve(request, reply);
      return traceOperation(services.tracing, request, () =>
        execute(server, request, reply, () => createRequestContext(request, reply, services)),
      );
    });
  });
}

async function createRequestContext(
  request: FastifyRequest,
  reply: FastifyReply,
  services: GraphQLServices,
): Promise<GraphQLContext> {
  try {
    const context = await createContext(request, reply, services);
    checkPersistedQuery(request);
    return context;
  } catch (error) {
    noteRefusal(request, describeError(error)?.extensions.code ?? internalServerError.extensions.code);
    throw toRequestError(error);
  }
}
