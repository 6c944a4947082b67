/** The time in milliseconds since the epoch; given from outside so that a test can move it. */
export type Clock = () => number;

/**
 * Something read from the database that is kept for a short time. It is read again on demand, never by a timer: an idle
 * gateway asks nothing. Callers that come while a read is under way share it.
 */
export class CachedRead<Value> {
  readonly #read: () => Promise<Value>;
  readonly #clock: Clock;
  #cached: { readonly value: Value; readonly readAt: number } | null = null;
  #pending: Promise<void> | null = null;

  constructor(read: () => Promise<Value>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /**
   * @param ageMaxMs how long before this call the value may have been read
   * @throws what the read throws; a value too old is never answered instead
   */
  async get(ageMaxMs: number): Promise<Value> {
    // Fixed at arrival: a caller behind a slow read waits for one more at most.
    const readSince = this.#clock() - ageMaxMs;
    for (;;) {
      if (this.#cached !== null && this.#isRecent(this.#cached.readAt, readSince)) return this.#cached.value;
      this.#pending ??= this.#refresh();
      await this.#pending;
    }
  }

  /** Forgets what was read: the next caller reads again. */
  clear(): void {
    this.#cached = null;
  }

  /** What was read at a time that is yet to come was read before the clock was put back: nobody knows when. */
  #isRecent(readAt: number, since: number): boolean {
    return readAt >= since && readAt <= this.#clock();
  }

  async #refresh(): Promise<void> {
    const readAt = this.#clock();
    try {
      this.#cached = { value: await this.#read(), readAt };
    } finally {
      this.#pending = null;
    }
  }
}
