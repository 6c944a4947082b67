import type { FastifyRequest, onRequestAsyncHookHandler } from "fastify";
import type { Authenticator } from "../access/authenticator.ts";
import { authorizationOf } from "../access/bearer.ts";
import { principalDecorator, requireScope } from "../access/principal.ts";
import type { Principal, Scope } from "../access/principal.ts";
import type { RateLimits } from "../access/rate-limits.ts";

/** Lets only requests with a valid access token and the scope pass, before their body is read. */
export function allow(authenticator: Authenticator, scope: Scope): onRequestAsyncHookHandler {
  return async (request) => {
    const principal = await authenticator.authenticate(authorizationOf(request.raw));
    requireScope(principal, scope);
    request.setDecorator<Principal>(principalDecorator, principal);
  };
}

/** Who sends a request that {@link allow} has let pass. */
export function principalOf(request: FastifyRequest): Principal {
  return request.getDecorator<Principal>(principalDecorator);
}

/** Counts a list before it is read. */
export function chargeForItems(request: FastifyRequest, rateLimits: RateLimits, items: number): void {
  rateLimits.chargeClient(principalOf(request).clientId, items);
}
