import { BoundedMap } from "./bounded-map.ts";
import type { Clock } from "./cached-read.ts";
import { networkOf } from "./network.ts";
import { RateLimitedError } from "./rate-limited-error.ts";

const windowMs = 60_000;
/** The most failures in one window. Behind one address there may be a whole company. */
const failuresMax = { client: 20, address: 100 } as const;
const keysMax = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Who tries: the client that is named, and the address that the connection comes from. */
export interface Attempt {
  readonly clientId: string;
  readonly address: string;
}

/** How an attempt ended. */
export interface AttemptOutcome {
  readonly attempt: Attempt;
  readonly succeeded: boolean;
}

/** How the processes of one gateway tell each other of attempts. */
export interface AttemptExchange {
  tell(outcome: AttemptOutcome): void;
  listen(listener: (outcome: AttemptOutcome) => void): void;
}

/**
 * Bounds the guesses at client secrets, by client and by address. Only failures count: who knows the secret may ask as
 * often as he likes. Each gateway counts for itself, with all its processes.
 */
export class AttemptLimiter {
  readonly #failures = new BoundedMap<Failures>(keysMax);
  /** Client and address of attempts that succeeded. */
  readonly #known = new BoundedMap<true>(keysMax);
  readonly #clock: Clock;

  readonly #exchange: AttemptExchange | null;

  constructor(clock: Clock = Date.now, exchange: AttemptExchange | null = null) {
    this.#clock = clock;
    this.#exchange = exchange;
    exchange?.listen((outcome) => this.#record(outcome));
  }

  /** @throws RateLimitedError */
  check(attempt: Attempt): void {
    const { client, address, pair } = keysOf(attempt);
    // Otherwise strangers, who know the id, could shut the client out by failing in its name.
    if (this.#known.get(pair) === undefined) this.#checkKey(client, failuresMax.client);
    this.#checkKey(address, failuresMax.address);
  }

  record(outcome: AttemptOutcome): void {
    this.#record(outcome);
    this.#exchange?.tell(outcome);
  }

  #record({ attempt, succeeded }: AttemptOutcome): void {
    const { client, address, pair } = keysOf(attempt);
    if (succeeded) {
      this.#known.set(pair, true);
      return;
    }
    // A client that has failed from here is no longer known here: its failures count like a stranger's.
    this.#known.delete(pair);
    for (const key of [client, address]) {
      const failures = this.#current(key);
      if (failures === null) this.#failures.set(key, { count: 1, since: this.#clock() });
      else failures.count += 1;
    }
  }

  #checkKey(key: string, max: number): void {
    const failures = this.#current(key);
    if (failures === null || failures.count < max) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((failures.since + windowMs - this.#clock()) / 1_000));
    throw new RateLimitedError("Too many requests for access tokens have failed", retryAfterSeconds);
  }

  #current(key: string): Failures | null {
    const failures = this.#failures.get(key);
    const sinceMs = this.#clock() - (failures?.since ?? 0);
    // Less than nothing after the clock was put back: then nobody knows how long ago it was.
    return failures === undefined || sinceMs < 0 || sinceMs >= windowMs ? null : failures;
  }
}

function keysOf({ clientId, address }: Attempt): { client: string; address: string; pair: string } {
  // No id is longer than that; what is needs no key of its own.
  const client = clientId.slice(0, 256);
  const network = networkOf(address);
  return { client: `client ${client}`, address: `address ${network}`, pair: `${network} ${client}` };
}
