import { GraphQLError } from "graphql";
import type { ASTVisitor, OperationDefinitionNode, ValidationContext } from "graphql";
import { Meter } from "./measure.ts";

/** For Apollo's parser, which stops there: everything after works on a document of bounded size. */
export const tokensMax = 2_000;

/** Objects in an answer, if every list is as long as it may be. */
export const objectsMax = 50_000;

/** What one document may ask for. */
const limits = {
  /** Levels of fields below the operation; introspection has a rule of graphql-js's own. */
  depth: 12,
  /** Fields at the root of an operation, each of which is a statement or a mutation. */
  rootFields: 10,
  /** Aliases in the whole document. */
  aliases: 50,
  directives: 20,
} as const;

/** A validation rule: refuses documents that would cost more than any client has use for, before anything is executed. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  const report = (what: string, max: number, node: OperationDefinitionNode): void =>
    context.reportError(new GraphQLError(`The operation has more than ${max} ${what}`, { nodes: node }));
  const meter = new Meter((name) => context.getFragment(name) ?? undefined);
  let aliases = 0;
  let directives = 0;
  return {
    OperationDefinition(node) {
      const measure = meter.measure(node.selectionSet);
      if (measure.fields > limits.rootFields) report("root fields", limits.rootFields, node);
      if (measure.depth > limits.depth) report("levels of fields", limits.depth, node);
      if (measure.objects > objectsMax)
        report("objects to answer with, with every list as long as it may be", objectsMax, node);
    },
    Field(node) {
      if (node.alias !== undefined) aliases += 1;
      if (aliases === limits.aliases + 1 && node.alias !== undefined)
        context.reportError(new GraphQLError(`The document has more than ${limits.aliases} aliases`, { nodes: node }));
    },
    Directive(node) {
      directives += 1;
      if (directives === limits.directives + 1)
        context.reportError(
          new GraphQLError(`The document has more than ${limits.directives} directives`, { nodes: node }),
        );
    },
  };
}
