import type { FastifyRequest } from "fastify";
import { Kind, OperationTypeNode, parse } from "graphql";
import type { DefinitionNode, DocumentNode } from "graphql";
import { tokensMax } from "./limits.ts";

/** Whether a request asks for the schema and nothing else: `__schema`, `__type` and `__typename` are its only root fields. */
export function isIntrospection(request: FastifyRequest): boolean {
  const source = readSource(request);
  const document = source === null ? null : parseOrNull(source);
  if (document === null) return false;
  const others = document.definitions.filter((definition) => definition.kind !== Kind.FRAGMENT_DEFINITION);
  return others.length > 0 && others.every(asksForSchema);
}

/** A fragment at the root may hold anything, so it doesn't count: no tool writes introspection like that. */
function asksForSchema(definition: DefinitionNode): boolean {
  return (
    definition.kind === Kind.OPERATION_DEFINITION &&
    definition.operation === OperationTypeNode.QUERY &&
    definition.selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && introspectionFields.has(selection.name.value),
    )
  );
}

const introspectionFields: ReadonlySet<string> = new Set(["__schema", "__type", "__typename"]);

function readSource({ method, body, query }: FastifyRequest): string | null {
  const holder: unknown = method === "POST" ? body : query;
  const source: unknown = typeof holder === "object" && holder !== null ? Reflect.get(holder, "query") : null;
  return typeof source === "string" ? source : null;
}

function parseOrNull(source: string): DocumentNode | null {
  try {
    return parse(source, { maxTokens: tokensMax, noLocation: true });
  } catch {
    return null;
  }
}
