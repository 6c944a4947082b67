import { isIPv6 } from "node:net";
import { BoundedMap } from "./bounded-map.ts";
import type { Clock } from "./cached-read.ts";

const windowMs = 60_000;
/** The most failures in one window. Behind one address there may be a whole company. */
const failuresMax = { client: 20, address: 100 } as const;
const keysMax = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/** Too many attempts failed: 429. */
export class TooManyAttemptsError extends Error {
  override readonly name = "TooManyAttemptsError";
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super("Too many requests for access tokens have failed");
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Who tries: the client that is named, and the address that the connection comes from. */
export interface Attempt {
  readonly clientId: string;
  readonly address: string;
}

/**
 * Bounds the guesses at client secrets, by client and by address. Only failures count: who knows the secret may ask as
 * often as he likes. Each gateway counts for itself.
 */
export class AttemptLimiter {
  readonly #failures = new BoundedMap<Failures>(keysMax);
  /** Client and address of attempts that succeeded. */
  readonly #known = new BoundedMap<true>(keysMax);
  readonly #clock: Clock;

  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
  }

  /** @throws TooManyAttemptsError */
  check(attempt: Attempt): void {
    const { client, address, pair } = keysOf(attempt);
    // Otherwise strangers, who know the id, could shut the client out by failing in its name.
    if (this.#known.get(pair) === undefined) this.#checkKey(client, failuresMax.client);
    this.#checkKey(address, failuresMax.address);
  }

  recordFailure(attempt: Attempt): void {
    const { client, address, pair } = keysOf(attempt);
    // A client that has failed from here is no longer known here: its failures count like a stranger's.
    this.#known.delete(pair);
    for (const key of [client, address]) {
      const failures = this.#current(key);
      if (failures === null) this.#failures.set(key, { count: 1, since: this.#clock() });
      else failures.count += 1;
    }
  }

  recordSuccess(attempt: Attempt): void {
    this.#known.set(keysOf(attempt).pair, true);
  }

  #checkKey(key: string, max: number): void {
    const failures = this.#current(key);
    if (failures === null || failures.count < max) return;
    throw new TooManyAttemptsError(Math.max(1, Math.ceil((failures.since + windowMs - this.#clock()) / 1_000)));
  }

  #current(key: string): Failures | null {
    const failures = this.#failures.get(key);
    return failures === undefined || failures.since + windowMs <= this.#clock() ? null : failures;
  }
}

function keysOf({ clientId, address }: Attempt): { client: string; address: string; pair: string } {
  // No id is longer than that; what is needs no key of its own.
  const client = clientId.slice(0, 256);
  const network = networkOf(address);
  return { client: `client ${client}`, address: `address ${network}`, pair: `${network} ${client}` };
}

/** The /64 of an IPv6 address: a subscriber has that many addresses to himself. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail = ""] = address.split("::", 2);
  const left = head.split(":").filter((group) => group !== "");
  const right = tail.split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
