import { OperationTypeNode } from "graphql";
import type { DocumentNode, OperationDefinitionNode } from "graphql";
import { fragmentsOf, Meter } from "./measure.ts";

/** Apollo Server keeps the documents that it has seen, so that most requests ask for what was measured before. */
const knownCosts = new WeakMap<OperationDefinitionNode, number>();

/**
 * What an operation costs its client: 1 for each root field and each line that changes stock, 1 more for each item that its
 * lists may answer with.
 * @param variables as they came with the request
 */
export function costOf(
  operation: OperationDefinitionNode,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const known = knownCosts.get(operation);
  if (known !== undefined) return known;
  const fragments = fragmentsOf(document);
  const meter = new Meter((name) => fragments.get(name), variables, operation.variableDefinitions);
  const { fields, lines, items } = meter.measure(operation.selectionSet);
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  const cost = (isMutation ? lines : fields) + items;
  if (!meter.hasReadVariables) knownCosts.set(operation, cost);
  return cost;
}
