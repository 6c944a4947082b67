import { GraphQLError, Kind, OperationTypeNode } from "graphql";
import type { ASTVisitor, DirectiveNode, OperationDefinitionNode, ValidationContext } from "graphql";
import { rootSelectionsOf } from "./root-selections.ts";

/**
 * A validation rule: refuses `@skip` and `@include` at the root of a subscription, as GraphQL's specification does since 2025. A rule
 * of graphql-js's own reads them without variables, and throws. So this one looks as soon as the document is entered, and leaves
 * nothing of what it refuses to the others.
 */
export function SubscriptionRootRule(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const refused = document.definitions.flatMap((definition) => {
        const isSubscription =
          definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.SUBSCRIPTION;
        const nodes = isSubscription ? conditionsAtRoot(definition, context) : [];
        return nodes.length > 0 ? [{ nodes }] : [];
      });
      for (const { nodes } of refused)
        context.reportError(new GraphQLError("A subscription's root field may not have @skip or @include", { nodes }));
      return refused.length > 0 ? { ...document, definitions: [] } : undefined;
    },
  };
}

const conditions: ReadonlySet<string> = new Set(["skip", "include"]);

function conditionsAtRoot(operation: OperationDefinitionNode, context: ValidationContext): DirectiveNode[] {
  const selections = [...rootSelectionsOf(operation, (name) => context.getFragment(name))];
  return selections.flatMap(({ directives = [] }) => directives.filter(({ name }) => conditions.has(name.value)));
}
