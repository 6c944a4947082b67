import type { FastifyRequest } from "fastify";
import { Kind, OperationTypeNode, parse } from "graphql";
import type { DefinitionNode, DocumentNode } from "graphql";
import { tokensMax } from "./limits.ts";

/**
 * Whether a request asks for the schema and nothing else: `__schema`, `__type` and `__typename` are its only root fields, and a
 * subgraph's `_service`.
 */
export function isIntrospection(request: FastifyRequest, { federation }: { readonly federation: boolean }): boolean {
  const source = readSource(request);
  const document = source === null ? null : parseOrNull(source);
  if (document === null) return false;
  const others = document.definitions.filter((definition) => definition.kind !== Kind.FRAGMENT_DEFINITION);
  const fields = federation ? subgraphFields : introspectionFields;
  return others.length > 0 && others.every((definition) => asksForSchema(definition, fields));
}

/** A fragment at the root may hold anything, so it doesn't count: no tool writes introspection like that. */
function asksForSchema(definition: DefinitionNode, fields: ReadonlySet<string>): boolean {
  return (
    definition.kind === Kind.OPERATION_DEFINITION &&
    definition.operation === OperationTypeNode.QUERY &&
    definition.selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && fields.has(selection.name.value),
    )
  );
}

const introspectionFields: ReadonlySet<string> = new Set(["__schema", "__type", "__typename"]);
const subgraphFields: ReadonlySet<string> = new Set([...introspectionFields, "_service"]);

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
