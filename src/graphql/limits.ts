import { GraphQLError, Kind, visit } from "graphql";
import type { ASTNode, ASTVisitor, DocumentNode, FieldNode, ValidationContext } from "graphql";
import { Meter } from "./measure.ts";
import type { Measure } from "./measure.ts";

/** For Apollo's parser, which stops there: everything after works on a document of bounded size. */
export const tokensMax = 2_000;

/** What an answer may have, if every list and every text is as long as it may be. */
const answerLimits = { objects: 50_000, characters: 32_000_000 } as const;

/** What one document may ask for. */
const limits = {
  /** Levels of fields below the operation; introspection has a rule of graphql-js's own. */
  depth: 12,
  /** Fields at the root of an operation, each of which is a statement or a mutation. */
  rootFields: 10,
  /** Fields in one selection set, those of its fragments included: each is compared with each other one of its name. */
  fieldsOfOne: 100,
  /** Fields at every level, those of a fragment wherever it is spread. */
  fields: 400,
  /** Aliases in the whole document. */
  aliases: 50,
  directives: 20,
  /** Characters of a name: of those that errors name, some are named again and again. */
  nameLength: 200,
} as const;

/** A validation rule: refuses documents that would cost more than any client has use for, before anything is executed. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const errors = findExcesses(document, new Meter((name) => context.getFragment(name) ?? undefined));
      for (const error of errors) context.reportError(error);
      // Other rules take long over what is too much, so that they are given nothing of it.
      return errors.length === 0 ? undefined : { ...document, definitions: [] };
    },
    Field(node) {
      // Each alias tells it once more, to the power of the levels.
      if (node.alias !== undefined && isOfSchema(node, context.getParentType()?.name ?? ""))
        context.reportError(new GraphQLError("The schema's description has no aliases", { nodes: node.alias }));
    },
  };
}

function isOfSchema({ name }: FieldNode, parentType: string): boolean {
  return (
    name.value === "__schema" || name.value === "_service" || parentType.startsWith("__") || parentType === "_Service"
  );
}

/** @returns what is said of an operation whose answer may be larger than one may be; null where it may not */
export function describeLargeAnswer(measure: Pick<Measure, keyof typeof answerLimits>): string | null {
  for (const what of ["objects", "characters"] as const)
    if (measure[what] > answerLimits[what])
      return `The operation has more than ${answerLimits[what]} ${what} to answer with, with every list and text as long as it may be`;
  return null;
}

function findExcesses(document: DocumentNode, meter: Meter): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const check = (count: number, max: number, what: string, nodes: ASTNode): void => {
    if (count > max) errors.push(new GraphQLError(`The operation has more than ${max} ${what}`, { nodes }));
  };
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const measure = meter.measure(node.selectionSet);
    check(measure.fieldsOfOne, limits.fieldsOfOne, "fields in one selection", node);
    check(measure.allFields, limits.fields, "fields", node);
    if (node.kind === Kind.FRAGMENT_DEFINITION) continue;
    check(measure.fields, limits.rootFields, "root fields", node);
    check(measure.depth, limits.depth, "levels of fields", node);
    const message = describeLargeAnswer(measure);
    if (message !== null) errors.push(new GraphQLError(message, { nodes: node }));
  }
  const aliases: ASTNode[] = [];
  const directives: ASTNode[] = [];
  let hasLongName = false;
  visit(document, {
    Name: ({ value }) => void (hasLongName ||= value.length > limits.nameLength),
    Field: (node) => void (node.alias === undefined || aliases.push(node)),
    Directive: (node) => void directives.push(node),
  });
  if (hasLongName)
    errors.push(new GraphQLError(`The document has a name of more than ${limits.nameLength} characters`));
  for (const [nodes, max, what] of [
    [aliases, limits.aliases, "aliases"],
    [directives, limits.directives, "directives"],
  ] as const) {
    const first = nodes[max];
    if (first !== undefined)
      errors.push(new GraphQLError(`The document has more than ${max} ${what}`, { nodes: first }));
  }
  return errors;
}
