/** So many statements at one time: while the answer of one is on its way, the next is worked on. */
const statementsMax = 2;
/** So many keys in one statement, unless its first caller alone has more. */
const keysMax = 1_000;

interface Caller<Key, Value> {
  readonly keys: readonly Key[];
  readonly resolve: (values: readonly Value[]) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Reads by key for many callers with few statements: one that comes while nothing is under way is read for at once, and
 * those that come meanwhile share the next statement. So a busy gateway asks in groups, as it writes in groups, and an
 * idle one is as quick as without. Nothing is remembered: a caller's statement begins after its call.
 */
export class GatheredRead<Key, Value> {
  readonly #read: (keys: readonly Key[]) => Promise<readonly Value[]>;
  #waiting: Caller<Key, Value>[] = [];
  #underWay = 0;

  /** @param read answers with one value a key, in their order */
  constructor(read: (keys: readonly Key[]) => Promise<readonly Value[]>) {
    this.#read = read;
  }

  /**
   * @returns one value a key, in their order
   * @throws what the read throws
   */
  get(keys: readonly Key[]): Promise<readonly Value[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      if (this.#underWay < statementsMax) void this.#readForWaiting();
    });
  }

  async #readForWaiting(): Promise<void> {
    this.#underWay += 1;
    for (let callers = this.#take(); callers.length > 0; callers = this.#take()) await this.#readFor(callers);
    this.#underWay -= 1;
  }

  async #readFor(callers: readonly Caller<Key, Value>[]): Promise<void> {
    try {
      const values = await this.#read(callers.flatMap(({ keys }) => keys));
      let read = 0;
      for (const { keys, resolve } of callers) {
        resolve(values.slice(read, read + keys.length));
        read += keys.length;
      }
    } catch (error) {
      for (const { reject } of callers) reject(error);
    }
  }

  /** Those who have waited longest, as many as one statement takes. */
  #take(): readonly Caller<Key, Value>[] {
    let keys = 0;
    const count = this.#waiting.findIndex((caller, index) => {
      keys += caller.keys.length;
      return index > 0 && keys > keysMax;
    });
    const callers = count === -1 ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = count === -1 ? [] : this.#waiting.slice(count);
    return callers;
  }
}
