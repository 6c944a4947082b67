import {
  createSourceEventStream,
  getOperationAST,
  GraphQLError,
  Kind,
  locatedError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLErrorOptions, GraphQLSchema } from "graphql";
import type { GraphQLContext, GraphQLServices } from "./context.ts";
import { costOf } from "./cost.ts";
import { describeError, formatError, isFault, logFault } from "./errors.ts";
import { tokensMax } from "./limits.ts";
import { Loaders } from "./loaders.ts";
import { SharedResults } from "./shared-results.ts";
import type { StreamSession } from "./stream-sessions.ts";
import { validationRules } from "./validation-rules.ts";

/** A request for a stream, as both protocols carry it. */
export interface SubscriptionRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Who asks for a stream, and under which id that is logged. */
export type StreamOrigin = Pick<GraphQLContext, "requestId" | "log"> & { readonly session: StreamSession };

/** What {@link Subscriptions.subscribe} takes. The context is a {@link GraphQLContext}, in the type that both protocols' packages know. */
export type SubscriptionArgs = ExecutionArgs & { readonly contextValue: Record<PropertyKey, unknown> };

/** What a subscriber is sent. */
export type ResultStream = AsyncIterableIterator<ExecutionResult, undefined>;

/** Carries subscriptions out, whatever they come over, within the limits that hold for every document. */
export class Subscriptions {
  readonly #schema: GraphQLSchema;
  readonly #services: GraphQLServices;
  readonly #shared = new SharedResults();
  readonly #origins = new WeakMap<ExecutionArgs, StreamOrigin>();

  constructor(schema: GraphQLSchema, services: GraphQLServices) {
    this.#schema = schema;
    this.#services = services;
  }

  /** Counts one of many requests that come over one connection. @returns why it may not pass, if it may not */
  admit({ session }: StreamOrigin): GraphQLError | null {
    try {
      this.#services.rateLimits.admitClient(session.principal.clientId);
      return null;
    } catch (error) {
      const description = describeError(error);
      if (description === null) throw error;
      return new GraphQLError(description.message, { extensions: description.extensions });
    }
  }

  /** @returns what is wrong with the document, if it can't be carried out */
  prepare(request: SubscriptionRequest, origin: StreamOrigin): SubscriptionArgs | readonly GraphQLError[] {
    const document = this.#parse(request);
    if (!("kind" in document)) return document.map((error) => this.#toClientError(error, origin));
    const args = {
      schema: this.#schema,
      document,
      operationName: request.operationName ?? null,
      variableValues: request.variables ?? null,
      contextValue: { ...this.#createContext(origin) },
    };
    this.#origins.set(args, origin);
    return args;
  }

  /**
   * @param args as {@link prepare} returned them
   * @returns results, the last of which may be an error; or only that error
   */
  async subscribe(args: ExecutionArgs): Promise<ResultStream | ExecutionResult> {
    const origin = this.#origins.get(args);
    if (origin === undefined) throw new Error("A subscription was not prepared");
    const events = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in events)) return this.#toClientResult(events, origin);
    return origin.session.pace(this.#toResults(events[Symbol.asyncIterator](), args, origin));
  }

  #toResults(
    events: AsyncIterator<unknown>,
    args: ExecutionArgs,
    origin: StreamOrigin,
  ): AsyncIterator<ExecutionResult, undefined> {
    const execute = this.#shared.executor(args);
    const charge = this.#chargeOf(args, origin);
    let isOver = false;
    return {
      next: async () => {
        if (isOver) return over;
        try {
          const event = await events.next();
          if (event.done !== true) {
            charge();
            return { done: false, value: this.#toClientResult(await execute(Object(event.value)), origin) };
          }
          isOver = true;
          return over;
        } catch (error) {
          isOver = true;
          await events.return?.();
          const located = locatedError(error, undefined, rootPathOf(args));
          return { done: false, value: this.#toClientResult({ data: null, errors: [located] }, origin) };
        }
      },
      return: async () => {
        isOver = true;
        await events.return?.();
        return over;
      },
    };
  }

  /** @returns counts an event for whose lists more is read: as a request of that cost. It throws RateLimitedError */
  #chargeOf({ document, operationName, variableValues }: ExecutionArgs, { session }: StreamOrigin): () => void {
    const operation = getOperationAST(document, operationName);
    const cost = operation == null ? 1 : costOf(operation, document, variableValues ?? {});
    if (cost === 1) return () => undefined;
    const { rateLimits } = this.#services;
    const { clientId } = session.principal;
    return () => {
      rateLimits.admitClient(clientId);
      rateLimits.chargeClient(clientId, cost - 1);
    };
  }

  #createContext({ session, requestId, log }: StreamOrigin): GraphQLContext {
    const { inventory, queries, rateLimits, feed } = this.#services;
    return {
      principal: session.principal,
      inventory,
      queries,
      rateLimits,
      loaders: new Loaders(queries),
      idempotencyKey: null,
      requestId,
      log,
      stream: { feed, signal: session.signal },
      // What could be said in a header was said when the stream was opened.
      setResponseHeader: () => undefined,
      // A stream is no answer that could be told of while it goes on.
      noteOperation: () => undefined,
    };
  }

  #toClientResult(result: ExecutionResult, origin: StreamOrigin): ExecutionResult {
    if (result.errors === undefined) return result;
    return { ...result, errors: result.errors.map((error) => this.#toClientError(error, origin)) };
  }

  /** As Apollo Server does with the errors of what it executes. */
  #toClientError(error: GraphQLError, { requestId, log }: StreamOrigin): GraphQLError {
    const isOurs = isFault(error);
    if (isOurs) logFault(log, error);
    const hidesSchema = this.#services.introspection === "off";
    const { message, extensions } = formatError(error.toJSON(), error, { hidesSchema });
    return new GraphQLError(message, {
      ...placeOf(error),
      extensions: { ...extensions, ...(isOurs ? { requestId } : {}) },
    });
  }

  #parse({ query, operationName }: SubscriptionRequest): DocumentNode | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: tokensMax });
    } catch (error) {
      return [withCode(locatedError(error, undefined), "GRAPHQL_PARSE_FAILED")];
    }
    const hidesSchema = this.#services.introspection === "off";
    const errors = validate(this.#schema, document, [...specifiedRules, ...validationRules({ hidesSchema })]);
    if (errors.length > 0) return errors.map((error) => withCode(error, "GRAPHQL_VALIDATION_FAILED"));
    const operation = getOperationAST(document, operationName);
    if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return document;
    return [
      withCode(
        new GraphQLError(
          operation == null
            ? "The operation that is to be carried out can't be told"
            : "Only subscriptions are streamed: queries and mutations go over HTTP, with a JSON answer",
        ),
        "OPERATION_RESOLUTION_FAILURE",
      ),
    ];
  }
}

const over = { done: true, value: undefined } as const;

function withCode(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, { ...placeOf(error), extensions: { ...error.extensions, code } });
}

function placeOf({ nodes, source, positions, path }: GraphQLError): GraphQLErrorOptions {
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
}

/** Where the result of a subscription has its one field. */
function rootPathOf({ document, operationName }: ExecutionArgs): string[] {
  const [root] = getOperationAST(document, operationName)?.selectionSet.selections ?? [];
  return root?.kind === Kind.FIELD ? [(root.alias ?? root.name).value] : [];
}
