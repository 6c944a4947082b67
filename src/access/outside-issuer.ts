import { createRemoteJWKSet, errors } from "jose";
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from "jose";
import { ServiceUnavailableError } from "../inventory/errors.ts";
import { CachedRead } from "./cached-read.ts";
import type { Clock } from "./cached-read.ts";
import { UnauthenticatedError } from "./principal.ts";
import { toTokenClaims, verifyToken } from "./tokens.ts";
import type { TokenClaims, VerifiedPayload } from "./tokens.ts";

/** An issuer other than the gateway, whose access tokens are accepted. */
export interface OutsideIssuerOptions {
  /** Compared with `iss`, character by character. */
  readonly issuer: string;
  /** What `aud` has to hold: this gateway, as the issuer calls it. */
  readonly audience: string;
  /** Where its public keys are. The only address that is ever asked for keys. */
  readonly jwksUrl: URL;
}

/** With a shared secret the issuer's public key could be taken for one: only key pairs. */
const algorithms = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
];

/** A day: longer-lived tokens could not be taken back. */
const lifeMaxSeconds = 86_400;
const clientIdLengthMax = 255;
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

const fetchTimeoutMs = 3_000;
/** Tokens may name any key; the issuer is asked for one that is not known at most this often. */
const fetchCooldownMs = 10_000;
/** For how long nothing is fetched after the issuer could not be reached. */
const failureCooldownMs = 1_000;
const keysAgeMaxMs = 600_000;

/** Verifies the access tokens of an outside issuer, with the keys that it publishes. */
export class OutsideIssuer {
  readonly issuer: string;
  readonly #audience: string;
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #fetched: CachedRead<void>;
  readonly #clock: Clock;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor({ issuer, audience, jwksUrl }: OutsideIssuerOptions, clock: Clock = Date.now) {
    this.issuer = issuer;
    this.#audience = audience;
    this.#clock = clock;
    this.#keys = createRemoteJWKSet(jwksUrl, {
      timeoutDuration: fetchTimeoutMs,
      // When it fetches is decided here, by a clock that nobody puts forward or back.
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: Number.POSITIVE_INFINITY,
    });
    this.#fetched = new CachedRead(() => this.#keys.reload(), clock);
  }

  /**
   * @returns what the token says, with the client named so that it can't be one of the gateway's own
   * @throws UnauthenticatedError, ServiceUnavailableError while the issuer's keys can't be read
   */
  async verify(token: string): Promise<TokenClaims> {
    const rules = { issuer: this.issuer, audience: this.#audience, algorithms, lifeMaxSeconds };
    const payload = await verifyToken(token, (header, input) => this.#getKey(header, input), rules, this.#clock());
    return toTokenClaims(payload, this.#clientIdOf(payload));
  }

  async #getKey(header: JWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey> {
    const sinceFailureMs = this.#clock() - this.#failedAt;
    if (sinceFailureMs >= 0 && sinceFailureMs < failureCooldownMs) throw keysUnavailable();
    try {
      await this.#fetched.get(keysAgeMaxMs);
      return await this.#findKey(header, input);
    } catch (error) {
      if (isTokensFault(error)) throw error;
      this.#failedAt = this.#clock();
      throw keysUnavailable(error);
    }
  }

  /** A key that is not known may be new. */
  async #findKey(header: JWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      return await this.#keys(header, input);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#fetched.get(fetchCooldownMs);
      return await this.#keys(header, input);
    }
  }

  /** Own ids have no `|`, and a name that is too long is refused: cut short it could be another client's. */
  #clientIdOf(payload: VerifiedPayload): string {
    const name = payload.client_id ?? payload.azp ?? payload.sub;
    if (typeof name !== "string" || name === "" || unprintable.test(name)) throw new UnauthenticatedError();
    const clientId = `${this.issuer}|${name}`;
    if (clientId.length > clientIdLengthMax) throw new UnauthenticatedError();
    return clientId;
  }
}

/** Whether there are keys and the token fits none of them. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function keysUnavailable(cause?: unknown): ServiceUnavailableError {
  return new ServiceUnavailableError("The keys of the token's issuer can't be read", "not applied", { cause });
}
