import { ApolloServer } from "@apollo/server";
import type { ApolloServerPlugin, GraphQLRequestContextWillSendResponse, GraphQLRequestListener } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { ApolloServerPluginLandingPageLocalDefault } from "@apollo/server/plugin/landingPage/default";
import type { FastifyBaseLogger } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { GraphQLContext, IntrospectionAccess } from "./context.ts";
import { costOf } from "./cost.ts";
import { formatError, isFault, logFault } from "./errors.ts";
import { executionPlugin } from "./execution.ts";
import { LimitsRule, tokensMax } from "./limits.ts";
import { operationPlugin } from "./operation.ts";

/** Apollo Server over the gateway's schema; the plugin mounts it. Nothing of it depends on the process's environment. */
export function createApolloServer(
  schema: GraphQLSchema,
  introspection: IntrospectionAccess,
  log: FastifyBaseLogger,
): ApolloServer<GraphQLContext> {
  const hidesSchema = introspection === "off";
  return new ApolloServer<GraphQLContext>({
    schema,
    nodeEnv: "production",
    logger: toApolloLogger(log),
    introspection: !hidesSchema,
    hideSchemaDetailsFromClientErrors: hidesSchema,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: tokensMax },
    validationRules: [LimitsRule],
    formatError: (formatted, error) => formatError(formatted, error, { hidesSchema }),
    plugins: [
      faultPlugin(log),
      costPlugin,
      legacyStatusPlugin,
      operationPlugin,
      executionPlugin({ hidesSchema }),
      ApolloServerPluginLandingPageLocalDefault({ embed: true, document: sandboxDocument }),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** What Apollo Sandbox opens with. */
const sandboxDocument = `query FewestAvailable {
  stocks(orderBy: AVAILABLE, first: 10) {
    nodes {
      productId
      available
      allocated
      transactions(first: 3) {
        nodes {
          action
          quantity
          createdAt
        }
      }
    }
  }
}
`;

/** Logs each fault with its cause, and gives the client the request's id to ask about it with. */
function faultPlugin(log: FastifyBaseLogger): ApolloServerPlugin<GraphQLContext> {
  return {
    async contextCreationDidFail({ error }) {
      if (isFault(error)) log.error({ err: error }, "A GraphQL request's context could not be made");
    },
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors.filter(isFault)) logFault(contextValue.log, error);
        },
        async willSendResponse({ response, contextValue }) {
          if (response.body.kind !== "single") return;
          const { singleResult } = response.body;
          if (singleResult.errors === undefined) return;
          singleResult.errors = singleResult.errors.map((error) =>
            error.extensions?.["code"] === "INTERNAL_SERVER_ERROR"
              ? { ...error, extensions: { ...error.extensions, requestId: contextValue.requestId } }
              : error,
          );
        },
      };
    },
  };
}

/** Counts what an operation costs, before any of it is executed. */
const costPlugin: ApolloServerPlugin<GraphQLContext> = {
  async requestDidStart() {
    return costListener;
  },
};

const costListener: GraphQLRequestListener<GraphQLContext> = {
  async didResolveOperation({ operation, document, request, contextValue }) {
    const { principal } = contextValue;
    if (principal === null || operation === undefined) return;
    // To authenticate has cost 1.
    const furtherCost = costOf(operation, document, request.variables ?? {}) - 1;
    if (furtherCost > 0) contextValue.rateLimits.chargeClient(principal.clientId, furtherCost);
  },
};

/**
 * GraphQL over HTTP: to a client that takes `application/json` and not `application/graphql-response+json`, a document
 * that can't be parsed, validated or given its variables is answered with 200, as such clients were always answered.
 */
const legacyStatusPlugin: ApolloServerPlugin<GraphQLContext> = {
  async requestDidStart() {
    return {
      async willSendResponse(requestContext) {
        const { response } = requestContext;
        if (response.http.status === 400 && isRefusedDocument(requestContext) && isLegacyClient(requestContext))
          response.http.status = 200;
      },
    };
  },
};

const documentErrorCodes: ReadonlySet<unknown> = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
]);

function isRefusedDocument({ response }: GraphQLRequestContextWillSendResponse<GraphQLContext>): boolean {
  const errors = response.body.kind === "single" ? (response.body.singleResult.errors ?? []) : [];
  return errors.length > 0 && errors.every((error) => documentErrorCodes.has(error.extensions?.["code"]));
}

function isLegacyClient({ request }: GraphQLRequestContextWillSendResponse<GraphQLContext>): boolean {
  const accept = request.http?.headers.get("accept") ?? "";
  return (
    accept.includes("application/json") &&
    !accept.includes("application/graphql-response+json") &&
    !accept.includes("*/*")
  );
}

function toApolloLogger(
  log: FastifyBaseLogger,
): Record<"debug" | "info" | "warn" | "error", (message?: unknown) => void> {
  return {
    debug: (message) => log.debug(String(message)),
    info: (message) => log.info(String(message)),
    warn: (message) => log.warn(String(message)),
    error: (message) => log.error(String(message)),
  };
}
