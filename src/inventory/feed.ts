import { TooManyWatchersError } from "./errors.ts";
import type { ChangeSignal, Ledger, LedgerEntry } from "./ledger.ts";
import { LedgerReader } from "./ledger-reader.ts";
import { Turns } from "./turns.ts";
import { Watcher } from "./watcher.ts";

export interface FeedOptions {
  /** The most watchers at one time: of one client, and in all. */
  readonly watchersPerClientMax: number;
  readonly watchersMax: number;
}

/** What somebody wants to see of the feed. */
export interface WatchRequest {
  /** The API client that asks. */
  readonly clientId: string;
  /** Null for all products. */
  readonly productIds: ReadonlySet<string> | null;
  /** The cursor of the last entry seen; null to see what is added from now on. */
  readonly after: string | null;
  /** Ends the watch: its reason is what the next entry is refused with; null ends it without a word. */
  readonly signal: AbortSignal;
}

/**
 * Tells the ledger live. One reader follows it for all watchers of a gateway, and only while there are any; watchers
 * take what it has read at their own pace, and one that has fallen behind reads from the ledger itself. So neither what
 * writers pay nor what is held in memory grows with the number of watchers.
 */
export class Feed {
  readonly #ledger: Ledger;
  readonly #signal: ChangeSignal;
  readonly #options: FeedOptions;
  readonly #turns = new Turns();
  readonly #watchers = new Set<Watcher>();
  readonly #counts = new Map<string, number>();
  #count = 0;
  /** Null while nobody watches. */
  #reader: Promise<LedgerReader> | null = null;

  constructor(ledger: Ledger, signal: ChangeSignal, options: FeedOptions) {
    this.#ledger = ledger;
    this.#signal = signal;
    this.#options = options;
  }

  /** How many watchers there are now. */
  get watchers(): number {
    return this.#count;
  }

  /**
   * Every entry after `after`, or that is added from now on: each once, in order.
   * @returns entries, the next one when it is asked for; `return` ends it
   * @throws InvalidInputError for a bad cursor, TooManyWatchersError, ServiceUnavailableError
   */
  async watch({ clientId, productIds, after, signal }: WatchRequest): Promise<AsyncIterableIterator<LedgerEntry>> {
    this.#enter(clientId);
    try {
      const position = after === null ? null : await this.#ledger.findPosition(after);
      const reader = await this.#startReader();
      const watcher: Watcher = new Watcher({
        reader,
        turns: this.#turns,
        position: position ?? reader.recent.upTo,
        productIds,
        onEnd: () => {
          this.#watchers.delete(watcher);
          this.#leave(clientId);
        },
      });
      this.#watchers.add(watcher);
      watcher.endWith(signal);
      return watcher;
    } catch (error) {
      this.#leave(clientId);
      throw error;
    }
  }

  #enter(clientId: string): void {
    const { watchersMax, watchersPerClientMax } = this.#options;
    const count = this.#counts.get(clientId) ?? 0;
    if (count >= watchersPerClientMax) throw new TooManyWatchersError("This client", watchersPerClientMax);
    if (this.#count >= watchersMax) throw new TooManyWatchersError("This gateway", watchersMax);
    this.#counts.set(clientId, count + 1);
    this.#count += 1;
  }

  #leave(clientId: string): void {
    const count = this.#counts.get(clientId) ?? 0;
    if (count > 1) this.#counts.set(clientId, count - 1);
    else this.#counts.delete(clientId);
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#reader?.then((reader) => reader.stop()).catch(() => undefined);
    this.#reader = null;
  }

  #startReader(): Promise<LedgerReader> {
    this.#reader ??= this.#follow();
    return this.#reader;
  }

  async #follow(): Promise<LedgerReader> {
    try {
      const reader = await LedgerReader.open(this.#ledger, this.#signal);
      // Nobody can go on without it, and each is told why.
      reader.run().catch((error: unknown) => {
        reader.stop();
        this.#reader = null;
        for (const watcher of this.#watchers) watcher.fail(error);
      });
      return reader;
    } catch (error) {
      this.#reader = null;
      throw error;
    }
  }
}
