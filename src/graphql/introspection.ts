import type { FastifyRequest } from "fastify";
import { GraphQLError, Kind, OperationTypeNode, parse } from "graphql";
import type { ASTVisitor, DefinitionNode, DocumentNode, ValidationContext } from "graphql";
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

/** A validation rule: refuses to show the schema. */
export function NoIntrospectionRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const name = node.name.value;
      if (name !== "__schema" && name !== "__type") return;
      // As Apollo Server's own rule has it, but for the words.
      const extensions = { validationErrorCode: "INTROSPECTION_DISABLED" };
      context.reportError(new GraphQLError(`Introspection is off: ${name} is not shown`, { nodes: node, extensions }));
    },
  };
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
