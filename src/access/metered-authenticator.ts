import type { Authenticator } from "./authenticator.ts";
import type { Principal } from "./principal.ts";
import type { RateLimits } from "./rate-limits.ts";

/** Counts each request against its client's limit once it is known who that is. */
export class MeteredAuthenticator implements Authenticator {
  readonly #authenticator: Authenticator;
  readonly #rateLimits: RateLimits;

  constructor(authenticator: Authenticator, rateLimits: RateLimits) {
    this.#authenticator = authenticator;
    this.#rateLimits = rateLimits;
  }

  /** @throws RateLimitedError, and what the authenticator throws */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const principal = await this.#authenticator.authenticate(authorization);
    this.#rateLimits.admitClient(principal.clientId);
    return principal;
  }
}
