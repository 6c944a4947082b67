import type { ApiClient, ApiClients } from "./api-clients.ts";
import { AttemptLimiter } from "./attempt-limiter.ts";
import type { AttemptGate } from "./attempt-limiter.ts";
import type { Authenticator } from "./authenticator.ts";
import { parseBearer } from "./bearer.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Clock } from "./cached-read.ts";
import { OutsideIssuer } from "./outside-issuer.ts";
import type { OutsideIssuerOptions } from "./outside-issuer.ts";
import { ownIssuer } from "./own-issuer.ts";
import { UnauthenticatedError } from "./principal.ts";
import type { Principal, Scope } from "./principal.ts";
import { tokenLifeSeconds } from "./signing-keys.ts";
import type { PublicSigningKey, SigningKeys } from "./signing-keys.ts";
import { claimedIssuerOf, OwnTokens } from "./tokens.ts";
import type { TokenClaims } from "./tokens.ts";

/** How a program asks for an access token. */
export type TokenRequest =
  | { readonly grant: "client_credentials"; readonly clientId: string; readonly clientSecret: string }
  | { readonly grant: "implicit"; readonly clientId: string };

/** An access token just issued. */
export interface AccessToken {
  readonly token: string;
  readonly grant: TokenRequest["grant"];
  readonly lifeSeconds: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface AccessControlOptions {
  readonly clients: ApiClients;
  readonly keys: SigningKeys;
  /** Accepted besides the gateway's own tokens. */
  readonly outsideIssuer?: OutsideIssuerOptions | undefined;
  /** The machine's own if left out. */
  readonly clock?: Clock | undefined;
  /** Brings the clock up to date before it decides on a token. */
  readonly lookAtClock?: (() => Promise<void>) | undefined;
  /** Where several processes make up the gateway: counts for all of them. */
  readonly attempts?: AttemptGate | undefined;
}

/** No client, a wrong secret, or a grant that is not open to the client: 401, and never said which. */
export class InvalidClientError extends Error {
  override readonly name = "InvalidClientError";

  constructor() {
    super("There is no such client, its secret is another one, or the grant is not open to it");
  }
}

/**
 * Verifying costs 113 µs, all of {@link AccessControl.authenticate} four when the token is known. What was verified is
 * verified again after this time; sooner where the gateway's own keys have to be read again before. With the two times added
 * up, a key that was taken away would count for twice as long.
 */
const verifiedForMs = 10_000;
const verifiedTokensMax = 4_096;

/** A token that was found to hold. */
interface VerifiedToken {
  readonly claims: TokenClaims;
  readonly isOwn: boolean;
  /** Both in milliseconds since the epoch. */
  readonly verifiedAtMs: number;
  readonly holdsUntilMs: number;
}

const readOnly: readonly Scope[] = ["inventory:read"];

/** Who may do what: issues access tokens, and tells from one who sends a request. */
export class AccessControl implements Authenticator {
  readonly #clients: ApiClients;
  readonly #keys: SigningKeys;
  readonly #ownTokens: OwnTokens;
  readonly #outsideIssuer: OutsideIssuer | null;
  readonly #attempts: AttemptGate;
  readonly #verified = new BoundedMap<VerifiedToken>(verifiedTokensMax);
  readonly #clock: Clock;
  readonly #lookAtClock: () => Promise<void>;

  constructor(options: AccessControlOptions) {
    const { clients, keys, outsideIssuer, clock = Date.now, attempts, lookAtClock = async () => undefined } = options;
    if (outsideIssuer?.issuer === ownIssuer) throw new Error(`An outside issuer can't be called ${ownIssuer}`);
    this.#clients = clients;
    this.#keys = keys;
    this.#ownTokens = new OwnTokens(keys, clock);
    this.#outsideIssuer = outsideIssuer === undefined ? null : new OutsideIssuer(outsideIssuer, clock);
    this.#attempts = attempts ?? new AttemptLimiter(clock);
    this.#clock = clock;
    this.#lookAtClock = lookAtClock;
  }

  /** Makes the first signing key if there is none: to be called at start, so that a bad database is found then. */
  async prepare(): Promise<void> {
    await this.#keys.getSigningKey();
  }

  /**
   * Scopes are those that the token was issued with and the client still has.
   * @throws UnauthenticatedError for a token that doesn't hold, or whose client was revoked more than a second ago
   * @throws ServiceUnavailableError while the database is away: nobody is let in on what was true before
   */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const bearer = parseBearer(authorization);
    await this.#lookAtClock();
    const { claims, isOwn } = await this.#verify(bearer);
    if (!isOwn) return { clientId: claims.clientId, scopes: claims.scopes };
    const client = await this.#clients.findActive(claims.clientId);
    if (client === null) throw new UnauthenticatedError();
    return { clientId: client.id, scopes: new Set(client.scopes.filter((scope) => claims.scopes.has(scope))) };
  }

  /**
   * Issues an access token: with the client's scopes for its secret, one that can only read for the implicit grant.
   * @param address where the connection comes from: failures are counted by it and by client
   * @throws InvalidClientError, RateLimitedError, ServiceUnavailableError
   */
  async issueToken(request: TokenRequest, address: string): Promise<AccessToken> {
    await this.#lookAtClock();
    const client = await this.#admit(request, address);
    const granted =
      request.grant === "implicit" ? client.scopes.filter((scope) => readOnly.includes(scope)) : client.scopes;
    const { token, expiresAt } = await this.#ownTokens.issue(client.id, granted);
    return { token, grant: request.grant, lifeSeconds: tokenLifeSeconds, expiresAt };
  }

  /** The public keys, for others to verify the gateway's tokens with. @throws ServiceUnavailableError */
  async jwks(): Promise<{ readonly keys: readonly PublicSigningKey[] }> {
    return { keys: await this.#keys.listPublicKeys() };
  }

  /** @throws InvalidClientError, RateLimitedError, ServiceUnavailableError */
  async #admit(request: TokenRequest, address: string): Promise<ApiClient> {
    const endAttempt = await this.#attempts.begin({ clientId: request.clientId, address });
    const client = await this.#findClient(request).catch((error: unknown) => {
      endAttempt("neither");
      throw error;
    });
    if (client === null) {
      endAttempt("failed");
      throw new InvalidClientError();
    }
    endAttempt(request.grant === "implicit" ? "neither" : "known");
    return client;
  }

  #findClient(request: TokenRequest): Promise<ApiClient | null> {
    return request.grant === "implicit"
      ? this.#clients.findImplicit(request.clientId)
      : this.#clients.findBySecret(request.clientId, request.clientSecret);
  }

  async #verify(token: string): Promise<VerifiedToken> {
    const now = this.#clock();
    const known = this.#verified.get(token);
    if (known !== undefined && known.verifiedAtMs <= now && now < known.holdsUntilMs) return known;
    const verified = await this.#verifyAnew(token, now);
    this.#verified.set(token, verified);
    return verified;
  }

  async #verifyAnew(token: string, now: number): Promise<VerifiedToken> {
    const outside = this.#outsideIssuer;
    const isOwn = outside === null || claimedIssuerOf(token) !== outside.issuer;
    const claims = await (isOwn ? this.#ownTokens : outside).verify(token);
    return { claims, isOwn, verifiedAtMs: now, holdsUntilMs: Math.min(claims.holdsUntilMs, now + verifiedForMs) };
  }
}
