import { GraphQLError, Kind } from "graphql";
import type { ASTVisitor, FieldNode, OperationDefinitionNode, SelectionSetNode, ValidationContext } from "graphql";
import { batchLinesMax } from "../inventory/commands.ts";
import { pageSizeDefault, pageSizeMax } from "../inventory/queries.ts";

/** For Apollo's parser, which stops there: everything after works on a document of bounded size. */
export const tokensMax = 2_000;

/** What one document may ask for. */
const limits = {
  /** Levels of fields below the operation; introspection has a rule of graphql-js's own. */
  depth: 12,
  /** Fields at the root of an operation, each of which is a statement or a mutation. */
  rootFields: 10,
  /** Aliases in the whole document. */
  aliases: 50,
  directives: 20,
  /** Objects in the answer, if every list is as long as it may be. */
  objects: 50_000,
} as const;

const pagedFields: ReadonlySet<string> = new Set(["stocks", "stockTransactions", "transactions"]);
const listFields: ReadonlyMap<string, string> = new Map([
  ["stocksByProductId", "productIds"],
  ["createStockTransactions", "transactions"],
]);

/** What a selection set comes to when it is answered. */
interface Measure {
  readonly depth: number;
  readonly fields: number;
  readonly objects: number;
}

/** A validation rule: refuses documents that would cost more than any client has use for, before anything is executed. */
export function LimitsRule(context: ValidationContext): ASTVisitor {
  const report = (what: string, max: number, node: OperationDefinitionNode): void =>
    context.reportError(new GraphQLError(`The operation has more than ${max} ${what}`, { nodes: node }));
  const meter = new Meter(context);
  let aliases = 0;
  let directives = 0;
  return {
    OperationDefinition(node) {
      const measure = meter.measure(node.selectionSet);
      if (measure.fields > limits.rootFields) report("root fields", limits.rootFields, node);
      if (measure.depth > limits.depth) report("levels of fields", limits.depth, node);
      if (measure.objects > limits.objects)
        report("objects to answer with, with every list as long as it may be", limits.objects, node);
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

/** Measures selection sets, each fragment once: fragments that spread each other twice grow like powers of two. */
class Meter {
  readonly #context: ValidationContext;
  readonly #fragments = new Map<string, Measure>();

  constructor(context: ValidationContext) {
    this.#context = context;
  }

  measure({ selections }: SelectionSetNode): Measure {
    const measures = selections.map((selection) => {
      if (selection.kind === Kind.FIELD) return this.#measureField(selection);
      return selection.kind === Kind.INLINE_FRAGMENT
        ? this.measure(selection.selectionSet)
        : this.#measureFragment(selection.name.value);
    });
    return {
      depth: Math.max(0, ...measures.map(({ depth }) => depth)),
      fields: sum(measures.map(({ fields }) => fields)),
      objects: sum(measures.map(({ objects }) => objects)),
    };
  }

  #measureField(field: FieldNode): Measure {
    if (field.selectionSet === undefined) return { depth: 1, fields: 1, objects: 0 };
    // The schema's own description is no larger than it is.
    if (field.name.value.startsWith("__")) return { depth: 1, fields: 1, objects: 0 };
    const inner = this.measure(field.selectionSet);
    return { depth: 1 + inner.depth, fields: 1, objects: lengthOf(field) * (1 + inner.objects) };
  }

  /** A fragment that spreads itself counts for nothing here: another rule refuses it. */
  #measureFragment(name: string): Measure {
    const known = this.#fragments.get(name);
    if (known !== undefined) return known;
    const nothing = { depth: 0, fields: 0, objects: 0 };
    this.#fragments.set(name, nothing);
    const fragment = this.#context.getFragment(name);
    const measure = fragment == null ? nothing : this.measure(fragment.selectionSet);
    this.#fragments.set(name, measure);
    return measure;
  }
}

/** How many objects a field may answer with. A variable may be anything that the field allows. */
function lengthOf(field: FieldNode): number {
  const name = field.name.value;
  if (pagedFields.has(name)) return pageSizeOf(field);
  const listArgument = listFields.get(name);
  if (listArgument === undefined) return 1;
  const list = field.arguments?.find((argument) => argument.name.value === listArgument)?.value;
  return list?.kind === Kind.LIST ? list.values.length : batchLinesMax;
}

function pageSizeOf(field: FieldNode): number {
  const sizes =
    field.arguments?.filter((argument) => argument.name.value === "first" || argument.name.value === "last") ?? [];
  if (sizes.some(({ value }) => value.kind === Kind.VARIABLE)) return pageSizeMax;
  const literal = sizes.map(({ value }) => (value.kind === Kind.INT ? Number(value.value) : pageSizeDefault));
  return Math.min(pageSizeMax, Math.max(0, ...(literal.length === 0 ? [pageSizeDefault] : literal)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
