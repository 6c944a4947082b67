import type { FastifyReply, FastifyRequest } from "fastify";
import { authorizationOf } from "../access/bearer.ts";
import { principalDecorator, requireScope, UnauthenticatedError } from "../access/principal.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { Principal, Scope } from "../access/principal.ts";
import type { RateLimits } from "../access/rate-limits.ts";
import { readIdempotencyHeader } from "../idempotency-header.ts";
import { InvalidInputError } from "../inventory/errors.ts";
import type { Feed } from "../inventory/feed.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { InventoryQueries } from "../inventory/queries.ts";
import { isIntrospection } from "./introspection.ts";
import { Loaders } from "./loaders.ts";
import { operationDecorator } from "./operation.ts";
import type { AnsweredOperation } from "./operation.ts";
import type { Tracing } from "../tracing/tracing.ts";
import type { StreamTimings } from "./stream-timings.ts";

/** Who may see the schema: everybody, whoever has an access token, or nobody. */
export type IntrospectionAccess = "public" | "token" | "off";

/** What the GraphQL API needs of the rest of the gateway. */
export interface GraphQLServices {
  readonly inventory: Inventory;
  readonly queries: InventoryQueries;
  readonly feed: Feed;
  /** The most WebSockets at one time. */
  readonly webSocketsMax: number;
  readonly authenticator: Authenticator;
  /** The same, without counting it as a request: for streams, whose tokens are looked at again and again. */
  readonly streamAuthenticator: Authenticator;
  readonly rateLimits: RateLimits;
  readonly introspection: IntrospectionAccess;
  /** Whether the schema is a subgraph's. */
  readonly federation: boolean;
  /** Null where nobody asks for traces. */
  readonly tracing: Tracing | null;
  /** Those that are not as usual. */
  readonly streamTimings?: Partial<StreamTimings> | undefined;
  /** How often an operation is carried out before it is compiled; as usual where it is left out. */
  readonly usesBeforeCompiled?: number | undefined;
}

/** What resolvers are given with each request. */
export interface GraphQLContext {
  /** Null for a stranger, who may only look at the schema and gets to no resolver. */
  readonly principal: Principal | null;
  readonly inventory: Inventory;
  readonly queries: InventoryQueries;
  readonly rateLimits: RateLimits;
  readonly loaders: Loaders;
  /** The Idempotency-Key header, unchecked; null without one. */
  readonly idempotencyKey: string | null;
  readonly requestId: string;
  readonly log: FastifyRequest["log"];
  /** Null where the answer is no stream: a subscription needs one, which ends when its signal is aborted. */
  readonly stream: { readonly feed: Feed; readonly signal: AbortSignal } | null;
  setResponseHeader(name: string, value: string): void;
  noteOperation(operation: AnsweredOperation): void;
}

/**
 * Reads from a request's headers who asks and with which key.
 * @throws UnauthenticatedError, for a stranger who asks for more than the schema where that is public
 * @throws RateLimitedError
 * @throws InvalidInputError for two different idempotency keys
 */
export async function createContext(
  request: FastifyRequest,
  reply: FastifyReply,
  services: GraphQLServices,
): Promise<GraphQLContext> {
  const { inventory, queries, rateLimits } = services;
  const principal = await authenticate(request, services);
  request.setDecorator(principalDecorator, principal);
  return {
    principal,
    inventory,
    queries,
    rateLimits,
    loaders: new Loaders(queries),
    idempotencyKey: readIdempotencyKey(request),
    requestId: request.id,
    log: request.log,
    stream: null,
    setResponseHeader: (name, value) => void reply.header(name, value),
    noteOperation: (operation) => request.setDecorator(operationDecorator, operation),
  };
}

/**
 * Lets a request with the scope pass.
 * @throws UnauthenticatedError, ForbiddenError
 */
export function authorize(context: GraphQLContext, scope: Scope): Principal {
  if (context.principal === null) throw new UnauthenticatedError();
  requireScope(context.principal, scope);
  return context.principal;
}

async function authenticate(request: FastifyRequest, services: GraphQLServices): Promise<Principal | null> {
  const authorization = authorizationOf(request.raw);
  const isPublic = services.introspection === "public";
  if (authorization === undefined && isPublic && isIntrospection(request, services)) return null;
  return services.authenticator.authenticate(authorization);
}

function readIdempotencyKey(request: FastifyRequest): string | null {
  const header = readIdempotencyHeader(request.raw);
  if (header.kind === "several")
    throw new InvalidInputError("idempotencyKey", "There are two different Idempotency-Key headers");
  return header.kind === "none" ? null : header.key;
}
