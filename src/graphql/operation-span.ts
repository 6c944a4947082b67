import type { FastifyRequest } from "fastify";
import type { Tracing } from "../tracing/tracing.ts";
import { operationDecorator } from "./operation.ts";
import type { AnsweredOperation } from "./operation.ts";

const nameLengthMax = 100;

/** Has a GraphQL operation be a span, from its document to its answer, as a part of its request's. */
export function traceOperation<T>(
  tracing: Tracing | null,
  request: FastifyRequest,
  execute: () => Promise<T>,
): Promise<T> {
  const parent = tracing?.current ?? null;
  if (tracing === null || parent === null) return execute();
  const span = tracing.startPart(parent, "GraphQL", {});
  return tracing.measure(span, async () => {
    const answer = await execute();
    const operation = request.getDecorator<AnsweredOperation | null>(operationDecorator);
    if (operation === null) return answer;
    const { type, field, name, outcome, code } = operation;
    if (type !== "") span.updateName(`${type} ${field}`).setAttribute("graphql.operation.type", type);
    if (name !== null) span.setAttribute("graphql.operation.name", name.slice(0, nameLengthMax));
    span.setAttribute("inventory.outcome", outcome);
    if (code !== null) span.setAttribute("inventory.error.code", code);
    if (outcome === "FAILED") tracing.fail(span, code ?? outcome);
    return answer;
  });
}
