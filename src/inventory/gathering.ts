/** The longest that a group is waited for, in milliseconds, however long the last one took. */
const waitMaxMs = 10;
/** How often it is looked whether it is still worth waiting, in milliseconds. */
const lookMs = 1;
/** The most groups that start without waiting after waits that were in vain. */
const restMax = 64;

/**
 * How long a lane waits before it starts its next group. Who was just answered often has more to ask, and would be late for a group that starts
 * at once: two halves of the same clients would then take turns, at nearly twice the cost for all. So a group waits for as many commands as were
 * there at the end of the last one, answered and waiting, as long as they come fast enough, and at most twice as long as the last one took.
 *
 * Who has nothing to wait for does not wait: one client that asks one thing after another is settled at once, without a timer.
 */
export class Gathering {
  readonly #commandsMax: number;
  #expected = 0;
  #endedAt = -Infinity;
  #patienceMs = 0;
  #wake: () => void = () => undefined;
  /** Waits in vain, one after another; and how many groups still start without one because of it. */
  #inVain = 0;
  #rest = 0;

  /** @param commandsMax the most commands that a group takes */
  constructor(commandsMax: number) {
    this.#commandsMax = commandsMax;
  }

  /** Tells how many commands came to their end together, how long that took in milliseconds, and how many wait by now. */
  ended(commands: number, tookMs: number, waiting: number): void {
    this.#expected = Math.min(commands + waiting, this.#commandsMax);
    this.#patienceMs = Math.min(2 * tookMs, waitMaxMs);
    this.#endedAt = performance.now();
  }

  /** Tells how many commands wait, whenever one has come. */
  arrived(waiting: number): void {
    if (waiting >= this.#expected) this.#wake();
  }

  /**
   * Resolves when the next group should start.
   * @param readWaiting tells how many commands wait
   * @returns null: at once
   */
  wait(readWaiting: () => number): Promise<void> | null {
    if (readWaiting() >= this.#expected || performance.now() - this.#endedAt >= this.#patienceMs) return null;
    if (this.#rest === 0) return this.#waitAndLearn(readWaiting);
    this.#rest -= 1;
    return null;
  }

  async #waitAndLearn(readWaiting: () => number): Promise<void> {
    const missing = this.#expected - readWaiting();
    await this.#waitFor(readWaiting);
    const stillMissing = this.#expected - readWaiting();
    this.#inVain = stillMissing > missing / 2 ? this.#inVain + 1 : 0;
    this.#rest = this.#inVain === 0 ? 0 : Math.min(2 ** this.#inVain, restMax);
  }

  /** Ends when all are there, or when at the present pace they will not be in time. */
  async #waitFor(readWaiting: () => number): Promise<void> {
    // What was just answered is written first: until then nobody can have more to ask.
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + this.#patienceMs;
    let waiting = readWaiting();
    let isInTime = true;
    while (waiting < this.#expected && isInTime) {
      const before = { waiting, time: performance.now() };
      await this.#untilAllOrLook();
      const now = performance.now();
      waiting = readWaiting();
      const perMs = (waiting - before.waiting) / (now - before.time);
      isInTime = waiting + perMs * (end - now) >= this.#expected;
    }
  }

  /** Until all are there, or it is time to look again: by a timer, since nothing tells that nobody comes. */
  #untilAllOrLook(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lookMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
