import { BoundedMap } from "./bounded-map.ts";
import type { Clock } from "./cached-read.ts";
import { networkOf } from "./network.ts";
import { RateLimitedError } from "./rate-limited-error.ts";

const windowMs = 60_000;
/** The most failures in one window. Behind one address there may be a whole company. */
const failuresMax = { client: 20, address: 100 } as const;
const keysMax = 10_000;
/** How many may wait for others to end, and for how long. An attempt takes some 30 ms of a core. */
const waitingMax = 256;
const waitMaxMs = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Who tries: the client that is named, and the address that the connection comes from. */
export interface Attempt {
  readonly clientId: string;
  readonly address: string;
}

/** What an attempt has shown: that it is the client itself, that it is not, or neither. */
export type AttemptOutcome = "known" | "failed" | "neither";

/** Ends an attempt; to be called once. */
export type EndAttempt = (outcome: AttemptOutcome) => void;

/** What every attempt at a token has to pass. */
export interface AttemptGate {
  /**
   * Begins an attempt as soon as all those under way may fail and none is one too many: so however many are sent at once,
   * no more of them fail than may, and none is refused for another that may yet succeed.
   * @throws RateLimitedError where too many have failed, or wait already
   */
  begin(attempt: Attempt): Promise<EndAttempt>;
}

/** What is counted for an attempt. */
interface Keys {
  readonly client: string;
  readonly address: string;
  /** Both together. */
  readonly pair: string;
}

/**
 * Bounds the guesses at client secrets, by client and by address. Only failures count: who knows the secret may ask as
 * often as he likes. Each gateway counts for itself, with all its processes.
 */
export class AttemptLimiter implements AttemptGate {
  readonly #failures = new BoundedMap<Failures>(keysMax);
  /** Client and address of attempts that succeeded. */
  readonly #known = new BoundedMap<true>(keysMax);
  /** How many have begun and not ended; there is no entry for none. */
  readonly #underWay = new Map<string, number>();
  readonly #clock: Clock;
  /** Each looks, whenever an attempt has ended, whether it may begin; who came first does so first. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
  }

  async begin(attempt: Attempt): Promise<EndAttempt> {
    const keys = keysOf(attempt);
    if (!this.#tryToBegin(keys)) await this.#waitAndBegin(keys);
    return (outcome) => this.#end(keys, outcome);
  }

  #waitAndBegin(keys: Keys): Promise<void> {
    if (this.#waiting.size >= waitingMax) throw tooManyWaiting();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(look);
        clearTimeout(late);
      };
      const look = (): void => {
        try {
          if (!this.#tryToBegin(keys)) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        leave();
      };
      const late = setTimeout(() => {
        leave();
        reject(tooManyWaiting());
      }, waitMaxMs);
      this.#waiting.add(look);
    });
  }

  /** @returns false where it has to wait @throws RateLimitedError */
  #tryToBegin({ client, address, pair }: Keys): boolean {
    // Otherwise strangers, who know the id, could shut the client out by failing in its name.
    const isKnown = this.#known.get(pair) !== undefined;
    const clientsLeft = failuresMax.client - this.#countFailures(client);
    const addressesLeft = failuresMax.address - this.#countFailures(address);
    if (clientsLeft <= 0 && !isKnown) throw this.#tooManyFailed(client);
    if (addressesLeft <= 0) throw this.#tooManyFailed(address);
    // Where strangers have used up what the client has, it goes on by one after another.
    if (this.#countUnderWay(client) >= Math.max(1, clientsLeft)) return false;
    if (this.#countUnderWay(address) >= addressesLeft) return false;
    for (const key of [client, address]) this.#underWay.set(key, this.#countUnderWay(key) + 1);
    return true;
  }

  #end({ client, address, pair }: Keys, outcome: AttemptOutcome): void {
    for (const key of [client, address]) {
      const others = this.#countUnderWay(key) - 1;
      if (others > 0) this.#underWay.set(key, others);
      else this.#underWay.delete(key);
      if (outcome === "failed") this.#addFailure(key);
    }
    // A client that has failed from here is no longer known here: its failures count like a stranger's.
    if (outcome === "failed") this.#known.delete(pair);
    if (outcome === "known") this.#known.set(pair, true);
    for (const look of this.#waiting) look();
  }

  #countUnderWay(key: string): number {
    return this.#underWay.get(key) ?? 0;
  }

  #countFailures(key: string): number {
    return this.#current(key)?.count ?? 0;
  }

  #addFailure(key: string): void {
    const failures = this.#current(key);
    if (failures === null) this.#failures.set(key, { count: 1, since: this.#clock() });
    else failures.count += 1;
  }

  #tooManyFailed(key: string): RateLimitedError {
    const since = this.#current(key)?.since ?? 0;
    const retryAfterSeconds = Math.max(1, Math.ceil((since + windowMs - this.#clock()) / 1_000));
    return new RateLimitedError("Too many requests for access tokens have failed", retryAfterSeconds);
  }

  #current(key: string): Failures | null {
    const failures = this.#failures.get(key);
    const sinceMs = this.#clock() - (failures?.since ?? 0);
    // Less than nothing after the clock was put back: then nobody knows how long ago it was.
    return failures === undefined || sinceMs < 0 || sinceMs >= windowMs ? null : failures;
  }
}

function tooManyWaiting(): RateLimitedError {
  return new RateLimitedError("Too many requests for access tokens are waiting", 1);
}

function keysOf({ clientId, address }: Attempt): Keys {
  // No id is longer than that; what is needs no key of its own.
  const client = clientId.slice(0, 256);
  const network = networkOf(address);
  return { client: `client ${client}`, address: `address ${network}`, pair: `${network} ${client}` };
}
