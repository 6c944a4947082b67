import { setMaxListeners } from "node:events";
import type { Authenticator } from "../access/authenticator.ts";
import { requireScope } from "../access/principal.ts";
import type { Principal } from "../access/principal.ts";
import { ServiceUnavailableError, SlowWatcherError } from "../inventory/errors.ts";
import type { GraphQLServices } from "./context.ts";
import type { StreamTimings } from "./stream-timings.ts";

/** Who lets a stream begin, and who says whether it may go on, which counts as no request. */
type StreamAuthentication = Pick<GraphQLServices, "authenticator" | "streamAuthenticator">;

/**
 * The connections on which results are streamed. One ends when the access token that it was opened with doesn't hold any
 * more, when its reader takes nothing, and when the gateway stops.
 */
export class StreamSessions {
  readonly #services: StreamAuthentication;
  readonly #timings: StreamTimings;
  readonly #sessions = new Set<StreamSession>();
  #look: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(services: StreamAuthentication, timings: StreamTimings) {
    this.#services = services;
    this.#timings = timings;
  }

  /**
   * @param authorization the value of an Authorization header
   * @throws UnauthenticatedError, ForbiddenError, RateLimitedError, ServiceUnavailableError
   */
  async open(authorization: string | undefined): Promise<StreamSession> {
    const { authenticator, streamAuthenticator } = this.#services;
    const principal = await admit(authenticator, authorization);
    if (this.#isClosed) throw stopping();
    const session: StreamSession = new StreamSession(
      principal,
      () => admit(streamAuthenticator, authorization),
      () => {
        this.#sessions.delete(session);
        if (this.#sessions.size === 0) clearInterval(this.#look);
      },
    );
    if (this.#sessions.size === 0) this.#look = setInterval(() => this.#lookAtAll(), this.#timings.lookIntervalMs);
    this.#sessions.add(session);
    return session;
  }

  /** Tells everybody to come back later, and lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions) session.end(stopping());
  }

  #lookAtAll(): void {
    for (const session of this.#sessions) void session.look(this.#timings.takeTimeoutMs);
  }
}

/** One connection, with any number of streams. */
export class StreamSession {
  readonly principal: Principal;
  readonly #authenticate: () => Promise<Principal>;
  readonly #onEnd: () => void;
  readonly #end = new AbortController();
  /** When the result was handed out that each stream's reader has not taken yet, in milliseconds. */
  readonly #waitingSince = new Map<object, number>();

  constructor(principal: Principal, authenticate: () => Promise<Principal>, onEnd: () => void) {
    this.principal = principal;
    this.#authenticate = authenticate;
    this.#onEnd = onEnd;
    // One for each stream, and no leak.
    setMaxListeners(0, this.#end.signal);
  }

  /** Aborted when the session ends: the reason is an error that says why, or null where the other side has left. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Ends it, once. */
  end(reason: unknown = null): void {
    if (this.#end.signal.aborted) return;
    this.#onEnd();
    this.#waitingSince.clear();
    this.#end.abort(reason);
  }

  /** Passes results on, and notes how long each waits to be taken. */
  pace<T>(results: AsyncIterator<T, undefined>): AsyncIterableIterator<T, undefined> {
    const paced: AsyncIterableIterator<T, undefined> = {
      [Symbol.asyncIterator]: () => paced,
      next: async () => {
        this.#waitingSince.delete(paced);
        const result = await results.next();
        if (!this.#end.signal.aborted) this.#waitingSince.set(paced, performance.now());
        return result;
      },
      return: async () => {
        this.#waitingSince.delete(paced);
        await results.return?.();
        return { done: true, value: undefined };
      },
      throw: async (error) => {
        await paced.return?.();
        throw error;
      },
    };
    return paced;
  }

  /** Ends it if there is a reason to: its access token holds no more, or a result has waited for so long to be taken. */
  async look(takeTimeoutMs: number): Promise<void> {
    const [longest = Infinity] = this.#waitingSince.values();
    if (performance.now() - longest > takeTimeoutMs) {
      this.end(new SlowWatcherError());
      return;
    }
    try {
      await this.#authenticate();
    } catch (error) {
      // While the database is away there is nothing to send, and so nothing to keep from anybody.
      if (!(error instanceof ServiceUnavailableError)) this.end(error);
    }
  }
}

function stopping(): ServiceUnavailableError {
  return new ServiceUnavailableError("The gateway is stopping", "not applied");
}

async function admit(authenticator: Authenticator, authorization: string | undefined): Promise<Principal> {
  const principal = await authenticator.authenticate(authorization);
  requireScope(principal, "inventory:read");
  return principal;
}
