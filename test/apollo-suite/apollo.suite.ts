import { defineIntegrationTestSuite } from "@apollo/server-integration-testsuite";
import { ApolloServer } from "@apollo/server";
import { pino } from "pino";
import { RateLimits } from "../../src/access/rate-limits.ts";
import { execute, graphqlRoutes } from "../../src/graphql/routes.ts";
import { createHttp } from "../../src/http/server.ts";

// Apollo's own tests of what stands between HTTP and an Apollo Server: here our HTTP server with our routes.
defineIntegrationTestSuite(async (config, options) => {
  const server = new ApolloServer(config);
  await server.start();
  const app = await createHttp({
    logger: pino({ level: "silent" }),
    rateLimits: new RateLimits({ perClient: 0, perAddress: 0 }),
    corsOrigins: [],
    trustedProxies: [],
    metrics: null,
    tracing: null,
    requestTimeoutMs: 15_000,
  });
  await app.register(async (scope) =>
    graphqlRoutes(scope, "/", (request, reply) =>
      execute(server, request, reply, options?.context ?? (async () => ({}))),
    ),
  );
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { server, url, extraCleanup: () => app.close() };
});
