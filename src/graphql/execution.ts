import { HeaderMap } from "@apollo/server";
import type { GraphQLRequestListener, GraphQLResponse } from "@apollo/server";
import { execute } from "graphql";
import type { ExecutionResult, GraphQLSchema } from "graphql";
import { CompiledOperations } from "./compiled-operations.ts";
import type { GraphQLContext } from "./context.ts";
import { formatError, isFault, logFault } from "./errors.ts";

export interface ExecutionOptions {
  /** Whether an error may say nothing of what the schema has. */
  readonly hidesSchema: boolean;
  /** See {@link CompiledOperations}; as usual where it is left out. */
  readonly usesBeforeCompiled?: number | undefined;
}

/** Apollo Server's hook that may carry an operation out in its place. */
export type Executor = NonNullable<GraphQLRequestListener<GraphQLContext>["responseForOperation"]>;

/**
 * Carries operations out in place of Apollo Server's own call of graphql-js, which prepares each for incremental delivery: a
 * seventh of what a mutation costs besides its group. What can't be carried out at all, for its variables or its operation's name,
 * is left to Apollo Server to answer: nothing has been done then.
 */
export function createExecutor(schema: GraphQLSchema, options: ExecutionOptions): Executor {
  const compiledOperations = new CompiledOperations(schema, options.usesBeforeCompiled);
  return async ({ document, operation, request, contextValue }) => {
    // There is none of the name that was asked for, whatever the types say.
    if (operation === undefined) return null;
    const { variables, operationName } = request;
    const compiled = compiledOperations.use(operation, document);
    const result =
      compiled === null
        ? await execute({ schema, document, contextValue, variableValues: variables, operationName })
        : await compiled(contextValue, variables);
    return result.data === undefined ? null : toResponse(result, contextValue, options);
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
