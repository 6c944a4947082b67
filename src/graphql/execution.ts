import { HeaderMap } from "@apollo/server";
import type { ApolloServerPlugin, GraphQLRequestListener, GraphQLResponse } from "@apollo/server";
import { execute } from "graphql";
import type { ExecutionResult } from "graphql";
import type { GraphQLContext } from "./context.ts";
import { formatError, isFault, logFault } from "./errors.ts";

export interface ExecutionOptions {
  /** Whether an error may say nothing of what the schema has. */
  readonly hidesSchema: boolean;
}

/**
 * Has graphql-js carry out operations in place of Apollo Server's own call of it, which prepares each for incremental
 * delivery: a seventh of what a mutation costs besides its group. What can't be carried out at all, for its variables
 * or its operation's name, is left to Apollo Server to answer: nothing has been done then.
 */
export function executionPlugin(options: ExecutionOptions): ApolloServerPlugin<GraphQLContext> {
  const listener: GraphQLRequestListener<GraphQLContext> = {
    async responseForOperation({ schema, document, request, contextValue }) {
      const { variables, operationName } = request;
      const result = await execute({ schema, document, contextValue, variableValues: variables, operationName });
      return result.data === undefined ? null : toResponse(result, contextValue, options);
    },
  };
  return {
    async requestDidStart() {
      return listener;
    },
  };
}

/** The result of an operation that was carried out, as Apollo Server sends it. */
function toResponse(
  { data = null, errors }: ExecutionResult,
  { log }: GraphQLContext,
  { hidesSchema }: ExecutionOptions,
): GraphQLResponse {
  for (const error of errors?.filter(isFault) ?? []) logFault(log, error);
  const formatted = errors?.map((error) => formatError(error.toJSON(), error, { hidesSchema }));
  return {
    http: { headers: new HeaderMap() },
    body: { kind: "single", singleResult: formatted === undefined ? { data } : { data, errors: formatted } },
  };
}
