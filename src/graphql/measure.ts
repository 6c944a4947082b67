import { Kind } from "graphql";
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  SelectionSetNode,
  ValueNode,
  VariableDefinitionNode,
  VariableNode,
} from "graphql";
import { batchLinesMax } from "../inventory/commands.ts";
import { noteLengthMax, productIdLengthMax } from "../inventory/input.ts";
import { pageSizeDefault, pageSizeMax } from "../inventory/queries.ts";

const pagedFields: ReadonlySet<string> = new Set(["stocks", "stockTransactions", "transactions"]);
const listFields: ReadonlyMap<string, string> = new Map([
  ["stocksByProductId", "productIds"],
  ["createStockTransactions", "transactions"],
  ["_entities", "representations"],
]);

/** Lists whose items come from the database, where those of a batch are what it was given. */
const readLists: ReadonlySet<string> = new Set([...pagedFields, "stocksByProductId", "_entities"]);

/** Characters of what is no object, if a text is as long as it may be. */
function lengthOfLeaf(name: string): number {
  if (name === "note") return noteLengthMax;
  return shortFields.has(name) ? 32 : productIdLengthMax;
}

/** What there is besides texts: numbers, dates, names of enums and of types. */
const shortFields: ReadonlySet<string> = new Set([
  "__typename",
  "available",
  "allocated",
  "total",
  "version",
  "createdAt",
  "updatedAt",
  "action",
  "quantity",
  "availableAfter",
  "allocatedAfter",
  "reason",
  "totalCount",
  "hasNextPage",
  "hasPreviousPage",
  "index",
  "replayed",
  "code",
  "status",
  "requested",
]);

/** What a page has of each item; its other fields it has once. */
const itemFields: ReadonlySet<string> = new Set(["edges", "nodes"]);

/** Quotes, colon and comma of a member in JSON. */
const punctuation = 4;

/** What a selection set comes to when it is answered. */
export interface Measure {
  readonly depth: number;
  readonly fields: number;
  /** The most fields that one selection set has, at whatever level. */
  readonly fieldsOfOne: number;
  /** Fields at every level, those of a fragment wherever it is spread. */
  readonly allFields: number;
  /** What the fields ask for by themselves: a line each, or as many as a batch has, or a page's items. */
  readonly lines: number;
  /** Items of lists that are read, however deep. */
  readonly items: number;
  /** Objects in the answer, if every list is as long as it may be. */
  readonly objects: number;
  /** Characters of the answer, if every list and every text is as long as it may be. */
  readonly characters: number;
  /** Those for each item of the page that it is a part of. */
  readonly itemCharacters: number;
}

const nothing: Measure = {
  depth: 0,
  fields: 0,
  fieldsOfOne: 0,
  allFields: 0,
  lines: 0,
  items: 0,
  objects: 0,
  characters: 0,
  itemCharacters: 0,
};

/** Finds a fragment of the document by its name. */
type FindFragment = (name: string) => FragmentDefinitionNode | undefined;

/** A document's fragments, by their names. */
export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
}

/** Measures selection sets, each fragment once: fragments that spread each other twice grow like powers of two. */
export class Meter {
  readonly #findFragment: FindFragment;
  readonly #variables: Readonly<Record<string, unknown>> | null;
  readonly #definitions: readonly VariableDefinitionNode[];
  readonly #fragments = new Map<string, Measure>();
  #hasReadVariables = false;

  /**
   * @param variables as they came with a request; without them a list that a variable bounds is as long as it may be
   * @param definitions of the operation's variables, whose defaults stand for those that did not come
   */
  constructor(
    findFragment: FindFragment,
    variables: Readonly<Record<string, unknown>> | null = null,
    definitions: readonly VariableDefinitionNode[] = [],
  ) {
    this.#findFragment = findFragment;
    this.#variables = variables;
    this.#definitions = definitions;
  }

  /** Whether what was measured so far depends on the variables. */
  get hasReadVariables(): boolean {
    return this.#hasReadVariables;
  }

  measure({ selections }: SelectionSetNode): Measure {
    const measures = selections.map((selection) => {
      if (selection.kind === Kind.FIELD) return this.#measureField(selection);
      return selection.kind === Kind.INLINE_FRAGMENT
        ? this.measure(selection.selectionSet)
        : this.#measureFragment(selection.name.value);
    });
    const fields = sum(measures.map((measure) => measure.fields));
    return {
      depth: Math.max(0, ...measures.map(({ depth }) => depth)),
      fields,
      fieldsOfOne: Math.max(fields, ...measures.map(({ fieldsOfOne }) => fieldsOfOne)),
      allFields: sum(measures.map(({ allFields }) => allFields)),
      lines: sum(measures.map(({ lines }) => lines)),
      items: sum(measures.map(({ items }) => items)),
      objects: sum(measures.map(({ objects }) => objects)),
      characters: sum(measures.map(({ characters }) => characters)),
      itemCharacters: sum(measures.map(({ itemCharacters }) => itemCharacters)),
    };
  }

  #measureField(field: FieldNode): Measure {
    const name = field.name.value;
    const keyLength = (field.alias ?? field.name).value.length + punctuation;
    if (field.selectionSet === undefined)
      return { ...nothing, depth: 1, fields: 1, allFields: 1, lines: 1, characters: keyLength + lengthOfLeaf(name) };
    const inner = this.measure(field.selectionSet);
    const { fieldsOfOne } = inner;
    const allFields = 1 + inner.allFields;
    // The schema's own description is no larger than it is.
    if (name.startsWith("__"))
      return { ...nothing, depth: 1, fields: 1, fieldsOfOne, allFields, lines: 1, characters: keyLength };
    const lines = this.#lengthOf(field);
    const ofEach = punctuation + inner.characters;
    const isOfItems = itemFields.has(name);
    return {
      depth: 1 + inner.depth,
      fields: 1,
      fieldsOfOne,
      allFields,
      lines,
      items: lines * ((readLists.has(name) ? 1 : 0) + inner.items),
      objects: lines * (1 + inner.objects),
      characters:
        keyLength +
        (pagedFields.has(name) ? ofEach + lines * inner.itemCharacters : isOfItems ? punctuation : lines * ofEach),
      itemCharacters: isOfItems ? ofEach : 0,
    };
  }

  /** A fragment that spreads itself counts for nothing here: another rule refuses it. */
  #measureFragment(name: string): Measure {
    const known = this.#fragments.get(name);
    if (known !== undefined) return known;
    this.#fragments.set(name, nothing);
    const fragment = this.#findFragment(name);
    const measure = fragment === undefined ? nothing : this.measure(fragment.selectionSet);
    this.#fragments.set(name, measure);
    return measure;
  }

  /** How many objects a field may answer with. */
  #lengthOf(field: FieldNode): number {
    const name = field.name.value;
    if (pagedFields.has(name)) return this.#pageSizeOf(field);
    const listArgument = listFields.get(name);
    if (listArgument === undefined) return 1;
    const list = this.#read(field.arguments?.find((argument) => argument.name.value === listArgument)?.value);
    if (Array.isArray(list)) return list.length;
    // One item may stand for a list of it.
    if (list !== undefined) return 1;
    // A router asks for one entity and for a thousand with the same document: how many they are is told by its variables alone.
    return name === "_entities" && this.#variables === null ? 1 : batchLinesMax;
  }

  #pageSizeOf(field: FieldNode): number {
    const given = (field.arguments ?? []).filter(({ name }) => name.value === "first" || name.value === "last");
    const sizes = given.map(({ value }) => {
      const size = this.#read(value);
      if (size === null) return pageSizeDefault;
      return typeof size === "number" ? size : pageSizeMax;
    });
    return Math.min(pageSizeMax, Math.max(0, ...(sizes.length === 0 ? [pageSizeDefault] : sizes)));
  }

  /** A number, a list, however long its items are, or something else that is neither; undefined for what is not known. */
  #read(value: ValueNode | undefined): unknown {
    switch (value?.kind) {
      case Kind.INT:
        return Number(value.value);
      case Kind.LIST:
        return value.values;
      case Kind.NULL:
        return null;
      case Kind.VARIABLE:
        this.#hasReadVariables = true;
        return this.#variables === null ? undefined : this.#given(value, this.#variables);
      default:
        return value;
    }
  }

  #given({ name }: VariableNode, variables: Readonly<Record<string, unknown>>): unknown {
    const given = variables[name.value];
    if (given !== undefined) return given;
    return this.#read(this.#definitions.find(({ variable }) => variable.name.value === name.value)?.defaultValue);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
