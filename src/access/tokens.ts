import { randomUUID } from "node:crypto";
import { decodeJwt, jwtVerify, SignJWT } from "jose";
import type { CryptoKey, JWTHeaderParameters, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import { ServiceUnavailableError } from "../inventory/errors.ts";
import { ownIssuer } from "./own-issuer.ts";
import { UnauthenticatedError } from "./principal.ts";
import { scopes } from "./principal.ts";
import type { Scope } from "./principal.ts";
import { signingAlgorithm, tokenLifeSeconds } from "./signing-keys.ts";
import type { SigningKeys, VerifyingKey } from "./signing-keys.ts";
import type { Clock } from "./cached-read.ts";

/** The gateway's own tokens are for itself. Each installation has keys of its own. */
const ownAudience = "inventory-gateway";

/** Keeps an access token from being mistaken for another kind of JWT (RFC 9068). */
const tokenType = "at+jwt";

/** How far clocks of different machines may be apart, in seconds. */
const clockToleranceSeconds = 5;

/** What a token that holds says. */
export interface TokenClaims {
  /** The client, as its issuer calls it. */
  readonly clientId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Until when this may be believed without verifying the token again, in milliseconds since the epoch. */
  readonly holdsUntilMs: number;
}

/** What every token is held against, whoever issued it. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** The longest life of a token, from `iat` to `exp`, in seconds. */
  readonly lifeMaxSeconds: number;
  /** The `typ` of the header; undefined where any will do. */
  readonly type?: string | undefined;
}

/** A token just signed. */
export interface SignedToken {
  readonly token: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

/** Signs and verifies the gateway's own access tokens. */
export class OwnTokens {
  readonly #keys: SigningKeys;
  readonly #clock: Clock;

  constructor(keys: SigningKeys, clock: Clock = Date.now) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @throws ServiceUnavailableError */
  async issue(clientId: string, granted: readonly Scope[]): Promise<SignedToken> {
    const { id, key } = await this.#keys.getSigningKey();
    const issuedAt = Math.floor(this.#clock() / 1_000);
    const expiresAt = issuedAt + tokenLifeSeconds;
    const token = await new SignJWT({ client_id: clientId, scope: granted.join(" ") })
      .setProtectedHeader({ alg: signingAlgorithm, kid: id, typ: tokenType })
      .setIssuer(ownIssuer)
      .setAudience(ownAudience)
      .setSubject(clientId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomUUID())
      .sign(key);
    return { token, expiresAt };
  }

  /**
   * @returns what the token says, which holds no longer than the key counts that it was verified with; whether its client
   * still exists is for the caller to find out
   * @throws UnauthenticatedError, ServiceUnavailableError
   */
  async verify(token: string): Promise<TokenClaims> {
    const rules = {
      issuer: ownIssuer,
      audience: ownAudience,
      algorithms: [signingAlgorithm],
      lifeMaxSeconds: tokenLifeSeconds,
      type: tokenType,
    };
    let keyCountsUntilMs = 0;
    const getKey = async ({ kid }: JWTHeaderParameters): Promise<CryptoKey> => {
      const { key, countsUntilMs } = await this.#getKey(kid);
      keyCountsUntilMs = countsUntilMs;
      return key;
    };
    const payload = await verifyToken(token, getKey, rules, this.#clock());
    if (typeof payload.client_id !== "string" || payload.client_id !== payload.sub) throw new UnauthenticatedError();
    const claims = toTokenClaims(payload, payload.client_id);
    return { ...claims, holdsUntilMs: Math.min(claims.holdsUntilMs, keyCountsUntilMs) };
  }

  /** Only the header's `kid` chooses the key, and only among ours: `jwk`, `jku` and `x5u` are never looked at. */
  async #getKey(kid: string | undefined): Promise<VerifyingKey> {
    const key = kid === undefined ? null : await this.#keys.findVerifyingKey(kid);
    if (key === null) throw new UnauthenticatedError();
    return key;
  }
}

/**
 * Holds a token against the rules: signature, algorithm, type, issuer, audience, times and life.
 * @param now milliseconds since the epoch
 * @throws UnauthenticatedError whose cause is the kind of fault: never the token or its claims
 * @throws ServiceUnavailableError from `getKey`
 */
export async function verifyToken(
  token: string,
  getKey: JWTVerifyGetKey,
  rules: TokenRules,
  now: number,
): Promise<VerifiedPayload> {
  const options: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: [...rules.algorithms],
    requiredClaims: ["exp", "iat"],
    maxTokenAge: rules.lifeMaxSeconds,
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(now),
    ...(rules.type === undefined ? {} : { typ: rules.type }),
  };
  const { payload } = await jwtVerify(token, getKey, options).catch((error: unknown) => {
    if (error instanceof ServiceUnavailableError || error instanceof UnauthenticatedError) throw error;
    throw new UnauthenticatedError({ cause: faultOf(error) });
  });
  const { exp, iat } = payload;
  // jose takes any `exp`, ten thousand years ahead as well.
  if (exp === undefined || iat === undefined || exp - iat > rules.lifeMaxSeconds) throw new UnauthenticatedError();
  return { ...payload, exp };
}

/** A payload that has been held against the rules: its `exp` is there. */
export interface VerifiedPayload extends JWTPayload {
  exp: number;
}

/** The claims that matter, of a token that was verified. They hold until it runs out. */
export function toTokenClaims(payload: VerifiedPayload, clientId: string): TokenClaims {
  return { clientId, scopes: parseScopeClaim(payload.scope), holdsUntilMs: payload.exp * 1_000 };
}

/**
 * Whom a token claims to come from: tells whose rules it is to be held against, and nothing more.
 * @throws UnauthenticatedError
 */
export function claimedIssuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    throw new UnauthenticatedError({ cause: faultOf(error) });
  }
}

/** Names separated by single spaces, compared exactly (RFC 6749, 3.3). Anything else grants nothing. */
function parseScopeClaim(claim: unknown): ReadonlySet<Scope> {
  const names = typeof claim === "string" ? claim.split(" ") : [];
  if (names.includes("")) return new Set();
  return new Set(scopes.filter((scope) => names.includes(scope)));
}

/** The kind of an error of jose's. The error itself quotes the claims. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
