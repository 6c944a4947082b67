import type { LedgerEntry } from "./ledger.ts";
import type { LedgerReader } from "./ledger-reader.ts";
import type { Turns } from "./turns.ts";

export interface WatcherOptions {
  readonly reader: LedgerReader;
  /** Shared with all other watchers. */
  readonly turns: Turns;
  readonly position: bigint;
  /** Null for all products. */
  readonly productIds: ReadonlySet<string> | null;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
}

/**
 * One watcher's place in the ledger. It takes the next entry when it is asked for it, so a slow one holds up nobody, and
 * holds nothing but its place and, while it catches up, one page.
 *
 * An object and not a generator: a generator that waits can't be ended before what it waits for has come.
 */
export class Watcher implements AsyncIterableIterator<LedgerEntry> {
  readonly #reader: LedgerReader;
  readonly #turns: Turns;
  readonly #productIds: ReadonlySet<string> | null;
  readonly #onEnd: () => void;
  readonly #end = new AbortController();
  /** Everything up to here has been given out, but for what is in the page. */
  #position: bigint;
  #page: LedgerEntry[] = [];
  #resume: (() => void) | null = null;
  #detach: () => void = () => undefined;

  constructor({ reader, turns, position, productIds, onEnd }: WatcherOptions) {
    this.#reader = reader;
    this.#turns = turns;
    this.#position = position;
    this.#productIds = productIds;
    this.#onEnd = onEnd;
  }

  /** @param signal ends the watch, also where it was given before: with its reason, or quietly where that is null */
  endWith(signal: AbortSignal): void {
    const abort = (): void => this.fail(signal.reason ?? ended);
    signal.addEventListener("abort", abort);
    this.#detach = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The next entry, as soon as there is one. To be called again only after it has answered.
   * @throws the reason for which the watch was ended from outside
   */
  async next(): Promise<IteratorResult<LedgerEntry, undefined>> {
    const { signal } = this.#end;
    await this.#turns.take();
    while (!signal.aborted) {
      const entry = this.#page.shift() ?? this.#takeRecent();
      if (entry !== null) return { done: false, value: entry };
      if (this.#reader.recent.hasAllAfter(this.#position)) await this.#wait();
      else await this.#readPage().catch((error: unknown) => this.fail(error));
    }
    if (signal.reason !== ended) throw signal.reason;
    return { done: true, value: undefined };
  }

  /** Ends the watch: also one that waits in {@link next}. */
  async return(): Promise<IteratorResult<LedgerEntry, undefined>> {
    this.fail(ended);
    return { done: true, value: undefined };
  }

  /** Refuses the next entry, and every further one, with the reason. */
  fail(reason: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(reason);
    this.#page = [];
    this.#detach();
    this.#resume?.();
    this.#onEnd();
  }

  #takeRecent(): LedgerEntry | null {
    const { recent } = this.#reader;
    if (!recent.hasAllAfter(this.#position)) return null;
    const entry = recent.findAfter(this.#position, this.#productIds);
    const reached = entry?.position ?? recent.upTo;
    // A cursor from another gateway may be ahead of what this one has read.
    if (reached > this.#position) this.#position = reached;
    return entry;
  }

  async #readPage(): Promise<void> {
    const range = { after: this.#position, upTo: this.#reader.recent.upTo, productIds: this.#productIds };
    const { entries, readUpTo } = await this.#reader.readRange(range);
    if (this.#end.signal.aborted) return;
    this.#page = [...entries];
    this.#position = readUpTo;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.#reader.onAdvance(resolve);
      this.#resume = () => {
        forget();
        resolve();
      };
    });
  }
}

/** The reason of a watch that its watcher has ended. */
const ended = Symbol("ended");
