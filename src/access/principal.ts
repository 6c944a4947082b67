/** What a token may do. */
export const scopes = ["inventory:read", "inventory:write"] as const;

export type Scope = (typeof scopes)[number];

/** Who is asking: what a valid access token says of its bearer. */
export interface Principal {
  /** The API client, up to 255 characters. Written into the ledger as `actor`; idempotency keys are scoped to it. */
  readonly clientId: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Where the HTTP server keeps a request's principal, null until a transport has found it out: its log names the client. */
export const principalDecorator = "principal";

/** There is no valid access token: 401. */
export class UnauthenticatedError extends Error {
  override readonly name = "UnauthenticatedError";

  constructor(options?: ErrorOptions) {
    super("Unable to validate access token", options);
  }
}

/** The access token is good and lacks the scope: 403. */
export class ForbiddenError extends Error {
  override readonly name = "ForbiddenError";
  readonly scope: Scope;

  constructor(scope: Scope) {
    super(`The access token lacks the scope ${scope}`);
    this.scope = scope;
  }
}

/**
 * Lets a principal with the scope pass.
 * @throws ForbiddenError
 */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.has(scope)) throw new ForbiddenError(scope);
}
