import { BREAK, getVariableValues, GraphQLError, isInputObjectType, Kind, OperationTypeNode, visit } from "graphql";
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLSchema,
  OperationDefinitionNode,
  Source,
  SourceLocation,
  TypeNode,
} from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";
import type { GraphQLContext } from "./context.ts";
import { isRequestMessage } from "./errors.ts";

/** So often graphql-js carries an operation out before it is compiled: who explores asks each thing once or twice. */
const usesBeforeCompiled = 2;

/** Carries an operation out. @returns what graphql-js would; without `data` where it can't be, for its variables: nothing was done */
export type CompiledOperation = (
  contextValue: GraphQLContext,
  variables: Readonly<Record<string, unknown>> | undefined,
) => Promise<ExecutionResult>;

/**
 * Makes a function of each operation that comes again and again: half of what graphql-js takes for one is to find its way
 * through the same document anew. Which operations these are, Apollo Server says, which keeps the documents it has seen.
 */
export class CompiledOperations {
  readonly #schema: GraphQLSchema;
  readonly #usesBefore: number;
  readonly #uses = new WeakMap<OperationDefinitionNode, number>();
  /** Null for those that are left to graphql-js for good. */
  readonly #compiled = new WeakMap<OperationDefinitionNode, CompiledOperation | null>();

  constructor(schema: GraphQLSchema, usesBefore: number = usesBeforeCompiled) {
    this.#schema = schema;
    this.#usesBefore = usesBefore;
  }

  /**
   * Counts one use of an operation.
   * @param document that was validated, with the operation in it
   * @returns null where graphql-js is to carry it out
   */
  use(operation: OperationDefinitionNode, document: DocumentNode): CompiledOperation | null {
    const known = this.#compiled.get(operation);
    if (known !== undefined) return known;
    const uses = this.#uses.get(operation) ?? 0;
    this.#uses.set(operation, uses + 1);
    if (uses < this.#usesBefore) return null;
    const isCompiled = isPlain(document) && hasOneEffect(operation);
    const compiled = isCompiled ? this.#compile(operation, document) : null;
    this.#compiled.set(operation, compiled);
    return compiled;
  }

  #compile(operation: OperationDefinitionNode, document: DocumentNode): CompiledOperation | null {
    const compiled = compileQuery(this.#schema, document, operation.name?.value);
    if (!isCompiledQuery(compiled)) return null;
    const variableDefinitions = operation.variableDefinitions ?? [];
    const isChecked = variableDefinitions.some(({ type }) => isInputObject(this.#schema, type));
    return async (contextValue, variables) => {
      // Compiled code takes a list for an input object.
      const { errors } = isChecked ? getVariableValues(this.#schema, variableDefinitions, variables ?? {}) : unchecked;
      if (errors !== undefined) return { errors };
      const result: ExecutionResult = await compiled.query(undefined, contextValue, variables);
      const source = document.loc?.source;
      return result.errors === undefined
        ? result
        : { ...result, errors: result.errors.map((error) => toGraphQLError(error, source)) };
    };
  }
}

/**
 * Whether a document has nothing that compiled code treats in another way than graphql-js: directives are written into the
 * document there, `__proto__` would not be a key like any other, a subgraph's `_entities` answers with promises in a list.
 */
function isPlain(document: DocumentNode): boolean {
  let isPlain = true;
  const refuse = (): typeof BREAK => {
    isPlain = false;
    return BREAK;
  };
  visit(document, {
    Directive: refuse,
    Field: ({ name, alias }) => (name.value === "__typename" && alias === undefined ? false : undefined),
    Name: ({ value }) => (value.startsWith("_") ? refuse() : undefined),
  });
  return isPlain;
}

/** Compiled code goes on with the next mutation where one has failed. */
function hasOneEffect({ operation, selectionSet }: OperationDefinitionNode): boolean {
  const [first, ...others] = selectionSet.selections;
  return operation !== OperationTypeNode.MUTATION || (first?.kind === Kind.FIELD && others.length === 0);
}

function isInputObject(schema: GraphQLSchema, type: TypeNode): boolean {
  return type.kind === Kind.NAMED_TYPE
    ? isInputObjectType(schema.getType(type.name.value))
    : isInputObject(schema, type.type);
}

const unchecked = { errors: undefined };

/**
 * An error of compiled code as graphql-js makes it. What has gone wrong in a resolver is its original error there; what is wrong
 * with an answer, null where none may be, is an error of graphql-js itself, which compiled code leaves out.
 */
function toGraphQLError(
  { message, locations, path, originalError }: GraphQLError,
  source: Source | undefined,
): GraphQLError {
  return new GraphQLError(message, {
    path: path ?? null,
    originalError: originalError ?? (isRequestMessage(message) ? null : new Error(message)),
    ...(source === undefined || locations === undefined
      ? {}
      : { source, positions: locations.map((location) => positionOf(location, source)) }),
  });
}

/** The character of the source at a line and a column, both from 1. */
function positionOf({ line, column }: SourceLocation, { body }: Source): number {
  let start = 0;
  for (const { index, 0: lineBreak } of body.matchAll(/\r\n|[\n\r]/g)) {
    if (line === 1) break;
    line -= 1;
    start = index + lineBreak.length;
  }
  return start + column - 1;
}
