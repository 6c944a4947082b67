/** A token as the gateway issues it. */
export interface IssuedToken {
  readonly token: string;
  /** How long it is good for, from now. */
  readonly lifeMs: number;
}

/** Why there is no token, in words for the person at the form. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
  /** Whether the id or the secret is wrong, or the client revoked: trying again with the same can't help. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/**
 * Asks for a token by the client credentials grant.
 * @throws TokenRefusedError
 */
export async function requestToken(clientId: string, clientSecret: string): Promise<IssuedToken> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
  });
  const response = await fetch("/oauth/access_token", { method: "POST", body }).catch(() => null);
  if (response === null) throw new TokenRefusedError("The gateway can't be reached. Check the connection.", false);
  if (response.status === 401) throw new TokenRefusedError("The client id or the secret is wrong.", true);
  if (response.status === 429) {
    const seconds = response.headers.get("retry-after") ?? "60";
    throw new TokenRefusedError(`Too many attempts have failed. Try again in ${seconds} seconds.`, false);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok || !isTokenAnswer(answer))
    throw new TokenRefusedError(`The gateway can't sign anybody in just now (HTTP ${response.status}).`, false);
  return { token: answer.access_token, lifeMs: answer.expires_in * 1_000 };
}

function isTokenAnswer(value: unknown): value is { access_token: string; expires_in: number } {
  if (typeof value !== "object" || value === null) return false;
  return typeof Reflect.get(value, "access_token") === "string" && typeof Reflect.get(value, "expires_in") === "number";
}
