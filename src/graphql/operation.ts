import type { GraphQLRequestContextWillSendResponse } from "@apollo/server";
import type { FastifyRequest } from "fastify";
import { getOperationAST, Kind } from "graphql";
import type { ExecutionArgs, GraphQLFormattedError, OperationDefinitionNode } from "graphql";
import type { GraphQLContext } from "./context.ts";

/** What a GraphQL request asked for, and what came of it: for its line in the log, and for the metrics. */
export interface AnsweredOperation {
  /** `query`, `mutation`; empty for a document that can't be carried out. */
  readonly type: string;
  /** The root field; `(several)` for more than one, empty for a document that can't be carried out. */
  readonly field: string;
  /** As its client calls it; null where that has no name for it. */
  readonly name: string | null;
  /** Whether all was well, the gateway refused what was asked for, or could not do it. */
  readonly outcome: "OK" | "REFUSED" | "FAILED";
  /** Of the first error; null where all is well. */
  readonly code: string | null;
}

/** Codes of what is not the client's doing. */
const failures: ReadonlySet<string> = new Set(["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"]);

/** Where the HTTP server keeps a request's operation, null until it has been answered. */
export const operationDecorator = "operation";

/** Leaves on the request that it was refused before its document was read. */
export function noteRefusal(request: FastifyRequest, code: string): void {
  request.setDecorator<AnsweredOperation>(operationDecorator, {
    type: "",
    field: "",
    name: null,
    outcome: outcomeOf(code),
    code,
  });
}

/** Leaves on the request which subscription it has opened. */
export function noteSubscription(
  request: FastifyRequest,
  { document, operationName }: Pick<ExecutionArgs, "document" | "operationName">,
): void {
  const operation = getOperationAST(document, operationName) ?? undefined;
  request.setDecorator<AnsweredOperation>(operationDecorator, describe(operation, undefined));
}

/** Tells a request's context what was answered. */
export function noteAnswer({
  operation,
  response,
  contextValue,
}: GraphQLRequestContextWillSendResponse<GraphQLContext>): void {
  const errors = response.body.kind === "single" ? response.body.singleResult.errors : undefined;
  contextValue.noteOperation(describe(operation, errors));
}

function describe(
  operation: OperationDefinitionNode | undefined,
  errors: readonly GraphQLFormattedError[] | undefined,
): AnsweredOperation {
  const given = errors?.[0]?.extensions?.["code"];
  const code = typeof given === "string" ? given : null;
  return {
    type: operation?.operation ?? "",
    field: operation === undefined ? "" : fieldOf(operation),
    name: operation?.name?.value ?? null,
    outcome: outcomeOf(code),
    code,
  };
}

function outcomeOf(code: string | null): AnsweredOperation["outcome"] {
  if (code === null) return "OK";
  return failures.has(code) ? "FAILED" : "REFUSED";
}

function fieldOf({ selectionSet }: OperationDefinitionNode): string {
  const [first, ...others] = selectionSet.selections;
  return first?.kind === Kind.FIELD && others.length === 0 ? first.name.value : "(several)";
}
