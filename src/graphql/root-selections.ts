import { getDirectiveValues, GraphQLIncludeDirective, GraphQLSkipDirective, Kind } from "graphql";
import type { FragmentDefinitionNode, GraphQLResolveInfo, OperationDefinitionNode, SelectionNode } from "graphql";

/**
 * What stands at the root of an operation: its fields and fragments, and those that are in these, each fragment once.
 * @param isSelected whether one counts, with what is in it
 */
export function* rootSelectionsOf(
  { selectionSet }: OperationDefinitionNode,
  findFragment: (name: string) => FragmentDefinitionNode | null | undefined,
  isSelected: (selection: SelectionNode) => boolean = () => true,
): Generator<SelectionNode> {
  const selectionSets = new Set([selectionSet]);
  for (const { selections } of selectionSets)
    for (const selection of selections.filter(isSelected)) {
      yield selection;
      if (selection.kind === Kind.INLINE_FRAGMENT) selectionSets.add(selection.selectionSet);
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? findFragment(selection.name.value) : null;
      if (fragment != null) selectionSets.add(fragment.selectionSet);
    }
}

/** How many fields an operation carries out at its root: not `__typename`, and not what `@skip` or `@include` leaves out. */
export function countRootFields({ operation, fragments, variableValues }: GraphQLResolveInfo): number {
  const isSelected = (selection: SelectionNode): boolean =>
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.["if"] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.["if"] !== false;
  const keys = new Set<string>();
  for (const selection of rootSelectionsOf(operation, (name) => fragments[name], isSelected))
    if (selection.kind === Kind.FIELD && selection.name.value !== "__typename")
      keys.add((selection.alias ?? selection.name).value);
  return keys.size;
}
