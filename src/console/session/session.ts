import { requestToken, TokenRefusedError } from "./token-request.ts";
import type { IssuedToken } from "./token-request.ts";
import type { StoredSession } from "./stored-session.ts";
import { readStoredSession, writeStoredSession } from "./stored-session.ts";

/** Where the tab stands. */
export type SessionState =
  | { readonly kind: "out" }
  | {
      readonly kind: "in";
      readonly clientId: string;
      readonly expiresAt: number;
      /** Whether the secret is still in memory: after a reload it is not, and the token can't be renewed by itself. */
      readonly isRenewing: boolean;
      /** The token runs out soon, and only the secret can renew it. */
      readonly endsSoon: boolean;
    }
  /** The token is no longer good. The page stays as it is below the question for the secret. */
  | { readonly kind: "ended"; readonly clientId: string; readonly reason: "expired" | "refused" };

/** Thrown where a request waited for a sign-in, and the person signed out instead. */
export class SignedOutError extends Error {
  override readonly name = "SignedOutError";

  constructor() {
    super("Signed out");
  }
}

/** The part of a token's life after which it is renewed. */
const renewalPart = 0.8;
const renewalRetryMs = 5_000;

/**
 * A client's access token, for this tab only. The token is kept in the tab's sessionStorage; the secret, which alone can
 * renew it (the client credentials grant has no refresh token), is kept in this object's memory and nowhere else.
 */
export class Session {
  #state: SessionState = { kind: "out" };
  #token: string | null = null;
  #secret: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewal: Promise<void> | null = null;
  readonly #listeners = new Set<() => void>();

  constructor() {
    const stored = readStoredSession();
    if (stored !== null) this.#enter(stored, stored.expiresAt - Date.now());
  }

  readonly getState = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @throws TokenRefusedError */
  async signIn(clientId: string, secret: string): Promise<void> {
    const { token, lifeMs } = await requestToken(clientId, secret);
    this.#enterWith(secret, { clientId, token, lifeMs });
  }

  #enterWith(secret: string, { clientId, token, lifeMs }: IssuedToken & { readonly clientId: string }): void {
    this.#secret = secret;
    this.#enter({ clientId, token, expiresAt: Date.now() + lifeMs }, lifeMs);
  }

  signOut(): void {
    clearTimeout(this.#timer);
    this.#secret = null;
    this.#token = null;
    writeStoredSession(null);
    this.#set({ kind: "out" });
  }

  /**
   * A token that is good as far as is known; waits for the sign-in where there is none.
   * @throws SignedOutError, TokenRefusedError where it has to be renewed and the gateway is away: nothing was sent
   */
  async token(): Promise<string> {
    for (;;) {
      if (this.#state.kind === "out") throw new SignedOutError();
      if (this.#token !== null && this.#state.kind === "in") {
        // A machine that slept may have missed the timer.
        if (this.#state.expiresAt > Date.now()) return this.#token;
        await this.refuse(this.#token, "expired");
      } else await this.#nextChange();
    }
  }

  /**
   * The gateway does not take the token any more: renews it, or ends the session until the secret is given again.
   * @throws TokenRefusedError where the gateway has no new one just now
   */
  async refuse(token: string, reason: "expired" | "refused" = "refused"): Promise<void> {
    if (token !== this.#token || this.#state.kind !== "in") return;
    if (this.#secret === null) this.#end(reason);
    else await this.#renew();
  }

  #enter(stored: StoredSession, lifeMs: number): void {
    clearTimeout(this.#timer);
    this.#token = stored.token;
    writeStoredSession(stored);
    const { clientId, expiresAt } = stored;
    this.#set({ kind: "in", clientId, expiresAt, isRenewing: this.#secret !== null, endsSoon: false });
    this.#timer = setTimeout(() => void this.#renewOrWarn(), lifeMs * renewalPart);
  }

  async #renewOrWarn(): Promise<void> {
    if (this.#state.kind !== "in") return;
    // Whoever needs a token meanwhile is told why there is none.
    if (this.#secret !== null) return await this.#renew().catch(() => undefined);
    this.#set({ ...this.#state, endsSoon: true });
    this.#timer = setTimeout(() => this.#end("expired"), this.#state.expiresAt - Date.now());
  }

  /** Renews once, however many ask. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renewOnce(): Promise<void> {
    if (this.#state.kind !== "in" || this.#secret === null) return;
    const { clientId } = this.#state;
    const secret = this.#secret;
    try {
      const issued = await requestToken(clientId, secret);
      // Who has signed out meanwhile is not signed in again by an answer that comes late.
      if (this.#secret === secret) this.#enterWith(secret, { clientId, ...issued });
    } catch (error) {
      if (this.#secret !== secret) return;
      if (error instanceof TokenRefusedError && error.isFinal) return this.#end("refused");
      // However long the gateway is away, the secret stays good: nobody has to type it again for that.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#renewOrWarn(), renewalRetryMs);
      throw error;
    }
  }

  #end(reason: "expired" | "refused"): void {
    if (this.#state.kind !== "in") return;
    clearTimeout(this.#timer);
    this.#secret = null;
    this.#token = null;
    writeStoredSession(null);
    this.#set({ kind: "ended", clientId: this.#state.clientId, reason });
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const leave = this.subscribe(() => {
        leave();
        resolve();
      });
    });
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
