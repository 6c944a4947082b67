import { BoundedMap } from "./bounded-map.ts";
import type { Clock } from "./cached-read.ts";
import { networkOf } from "./network.ts";
import { RateLimitedError } from "./rate-limited-error.ts";

/** How much may be asked for per second, on average; 0 is no limit. */
export interface RateLimitOptions {
  /** By one API client, in units of cost: see {@link RateLimits.chargeClient}. */
  readonly perClient: number;
  /** By one address, in requests. */
  readonly perAddress: number;
}

/** Who was idle may make up for so many seconds at once. */
const savedSeconds = 10;
/** Past it the one not heard of for longest starts anew. */
const bucketsMax = 10_000;

/**
 * Bounds what each client and each address may ask for, so that none keeps the others from being served. Every gateway counts
 * for itself.
 */
export class RateLimits {
  readonly #clients: Buckets;
  readonly #addresses: Buckets;

  constructor({ perClient, perAddress }: RateLimitOptions, clock: Clock = Date.now) {
    this.#clients = new Buckets(perClient, clock);
    this.#addresses = new Buckets(perAddress, clock);
  }

  /** Lets a request of an address pass that owes nothing. @throws RateLimitedError */
  admitAddress(address: string): void {
    this.#addresses.admit(networkOf(address), "Too many requests from this address");
  }

  /** Lets a request of a client pass that owes nothing, and counts 1 for it. @throws RateLimitedError */
  admitClient(clientId: string): void {
    this.#clients.admit(clientId, "Too many requests from this client");
  }

  /**
   * Counts what a request costs besides: 1 for each further line that changes stock, 1 for each item that its lists may answer
   * with, which takes as long. It may cost more than was saved, a batch would never pass otherwise; that is paid off before the
   * next request.
   */
  chargeClient(clientId: string, cost: number): void {
    this.#clients.charge(clientId, cost);
  }
}

interface Bucket {
  /** Negative while what was spent last is not yet paid off. */
  balance: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** A token bucket for each key. */
class Buckets {
  readonly #perMs: number;
  readonly #balanceMax: number;
  readonly #clock: Clock;
  readonly #buckets = new BoundedMap<Bucket>(bucketsMax);

  constructor(perSecond: number, clock: Clock) {
    this.#perMs = perSecond / 1_000;
    this.#balanceMax = perSecond * savedSeconds;
    this.#clock = clock;
  }

  admit(key: string, message: string): void {
    if (this.#perMs === 0) return;
    const bucket = this.#current(key);
    if (bucket.balance < 0)
      throw new RateLimitedError(message, Math.max(1, Math.ceil(-bucket.balance / this.#perMs / 1_000)));
    bucket.balance -= 1;
  }

  charge(key: string, cost: number): void {
    if (this.#perMs !== 0) this.#current(key).balance -= cost;
  }

  #current(key: string): Bucket {
    const now = this.#clock();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { balance: this.#balanceMax, at: now };
      this.#buckets.set(key, bucket);
    }
    // A clock that was put back gives nothing, and takes nothing away.
    const gained = Math.max(0, now - bucket.at) * this.#perMs;
    bucket.balance = Math.min(this.#balanceMax, bucket.balance + gained);
    bucket.at = now;
    return bucket;
  }
}
