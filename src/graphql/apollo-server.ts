import { ApolloServer } from "@apollo/server";
import type {
  ApolloServerPlugin,
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from "@apollo/server";
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
import { createExecutor } from "./execution.ts";
import type { Executor } from "./execution.ts";
import { KnownQueries } from "./known-queries.ts";
import { tokensMax } from "./limits.ts";
import { noteAnswer } from "./operation.ts";
import { validationRules } from "./validation-rules.ts";

type AnsweredRequest = GraphQLRequestContextWillSendResponse<GraphQLContext>;

export interface ApolloServerOptions {
  readonly introspection: IntrospectionAccess;
  readonly log: FastifyBaseLogger;
  /** See {@link CompiledOperations}; as usual where it is left out. */
  readonly usesBeforeCompiled?: number | undefined;
}

/** Apollo Server over the gateway's schema; the plugin mounts it. Nothing of it depends on the process's environment. */
export function createApolloServer(
  schema: GraphQLSchema,
  { introspection, log, usesBeforeCompiled }: ApolloServerOptions,
): ApolloServer<GraphQLContext> {
  const hidesSchema = introspection === "off";
  const knownQueries = new KnownQueries();
  return new ApolloServer<GraphQLContext>({
    schema,
    nodeEnv: "production",
    logger: toApolloLogger(log),
    // Where it is off a rule of our own says so.
    introspection: true,
    hideSchemaDetailsFromClientErrors: hidesSchema,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: tokensMax },
    validationRules: validationRules({ hidesSchema }),
    formatError: (formatted, error) => formatError(formatted, error, { hidesSchema }),
    persistedQueries: { cache: knownQueries },
    plugins: [
      requestPlugin(log, knownQueries, createExecutor(schema, { hidesSchema, usesBeforeCompiled })),
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

/**
 * All that is done for each request, in one plugin with one listener: Apollo Server waits for every hook of every plugin in turn,
 * whether it has anything to do or not.
 */
function requestPlugin(
  log: FastifyBaseLogger,
  knownQueries: KnownQueries,
  responseForOperation: Executor,
): ApolloServerPlugin<GraphQLContext> {
  const listening = Promise.resolve<GraphQLRequestListener<GraphQLContext>>({
    responseForOperation,
    async didResolveOperation(requestContext) {
      knownQueries.learn(requestContext);
      chargeOperation(requestContext);
    },
    async didEncounterErrors({ errors, contextValue }) {
      for (const error of errors.filter(isFault)) logFault(contextValue.log, error);
    },
    async willSendResponse(requestContext) {
      nameRequestOfFaults(requestContext);
      keepLegacyStatus(requestContext);
      noteAnswer(requestContext);
    },
  });
  return {
    async contextCreationDidFail({ error }) {
      if (isFault(error)) log.error({ err: error }, "A GraphQL request's context could not be made");
    },
    requestDidStart: ({ request }) => {
      knownQueries.nameQuery(request);
      return listening;
    },
  };
}

/** Counts what an operation costs, before any of it is executed. */
function chargeOperation({
  operation,
  document,
  request,
  contextValue,
}: GraphQLRequestContextDidResolveOperation<GraphQLContext>): void {
  const { principal } = contextValue;
  if (principal === null || operation === undefined) return;
  // To authenticate has cost 1.
  const furtherCost = costOf(operation, document, request.variables ?? {}) - 1;
  if (furtherCost > 0) contextValue.rateLimits.chargeClient(principal.clientId, furtherCost);
}

/** Gives the client of a fault the request's id, to ask about it with. */
function nameRequestOfFaults({ response, contextValue }: AnsweredRequest): void {
  if (response.body.kind !== "single") return;
  const { singleResult } = response.body;
  if (singleResult.errors === undefined) return;
  singleResult.errors = singleResult.errors.map((error) =>
    error.extensions?.["code"] === "INTERNAL_SERVER_ERROR"
      ? { ...error, extensions: { ...error.extensions, requestId: contextValue.requestId } }
      : error,
  );
}

/**
 * GraphQL over HTTP: to a client that takes `application/json` and not `application/graphql-response+json`, a document
 * that can't be parsed, validated or given its variables is answered with 200, as such clients were always answered.
 */
function keepLegacyStatus(requestContext: AnsweredRequest): void {
  const { response } = requestContext;
  if (response.http.status === 400 && isRefusedDocument(requestContext) && isLegacyClient(requestContext))
    response.http.status = 200;
}

const documentErrorCodes: ReadonlySet<unknown> = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
]);

function isRefusedDocument({ response }: AnsweredRequest): boolean {
  const errors = response.body.kind === "single" ? (response.body.singleResult.errors ?? []) : [];
  return errors.length > 0 && errors.every((error) => documentErrorCodes.has(error.extensions?.["code"]));
}

function isLegacyClient({ request }: AnsweredRequest): boolean {
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
