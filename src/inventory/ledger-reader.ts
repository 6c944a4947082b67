import { setTimeout as wait } from "node:timers/promises";
import { pause } from "../pause.ts";
import { ServiceUnavailableError } from "./errors.ts";
import type { ChangeSignal, Ledger, LedgerPart, LedgerRange, LedgerTail } from "./ledger.ts";
import { RecentEntries } from "./recent-entries.ts";

/** How long the ledger is left alone after it was read, in milliseconds: however busy the writers are, they pay for no more. */
const readIntervalMs = 20;
/** How soon it is read again without a signal: while a group may still end, and because signals may be lost. */
const unsettledIntervalMs = 40;
const pollIntervalMs = 1_000;
/** How soon it is tried again while the database is away. */
const retryIntervalMs = 250;

/** Follows the ledger: reads on at a signal, and now and then without one. */
export class LedgerReader {
  readonly recent: RecentEntries;
  readonly #ledger: Ledger;
  readonly #detach: () => void;
  #waiting = new Set<() => void>();
  #isSignalled = false;
  #isStopped = false;
  /** Of the pause that is made now, if one is. */
  #pause = new AbortController();
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(ledger: Ledger, signal: ChangeSignal, tail: LedgerTail) {
    this.#ledger = ledger;
    this.recent = new RecentEntries(tail);
    this.#detach = signal.onChange(() => {
      this.#isSignalled = true;
      this.#pause.abort();
    });
  }

  /** @returns one that has the newest entries; {@link run} makes it follow. @throws ServiceUnavailableError */
  static async open(ledger: Ledger, signal: ChangeSignal): Promise<LedgerReader> {
    for (;;) {
      const tail = await ledger.readNewest();
      if (tail !== null) return new LedgerReader(ledger, signal, tail);
      await wait(unsettledIntervalMs);
    }
  }

  /** Follows until it is stopped. @throws what is no outage of the database */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isSignalled = false;
      const restMs = await this.#readOn();
      if (restMs === 0) continue;
      await wait(readIntervalMs);
      if (this.#isSignalled || this.#isStopped) continue;
      this.#pause = new AbortController();
      await pause(restMs - readIntervalMs, this.#pause.signal);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#detach();
    this.#pause.abort();
  }

  /** Calls back once, when there is more in {@link recent}. @returns makes it forget that */
  onAdvance(resume: () => void): () => void {
    this.#waiting.add(resume);
    return () => this.#waiting.delete(resume);
  }

  /**
   * Reads what is not in {@link recent} any more, for one who has fallen behind. One at a time: the others wait here, and
   * keep neither the database nor this reader from their work. While the database is away the answer is an empty part.
   */
  readRange(range: LedgerRange): Promise<LedgerPart> {
    const part = this.#reading.then(() => this.#readPart(range));
    this.#reading = part.catch(() => undefined);
    return part;
  }

  async #readPart(range: LedgerRange): Promise<LedgerPart> {
    try {
      return await this.#ledger.readRange(range);
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      await wait(retryIntervalMs);
      return { entries: [], readUpTo: range.after };
    }
  }

  /** @returns how long to leave it at that if there is no signal, in milliseconds */
  async #readOn(): Promise<number> {
    try {
      const { entries, isFull, hasUnsettled } = await this.#ledger.readAfter(this.recent.upTo);
      if (entries.length > 0) this.#advance(entries);
      if (isFull) return 0;
      return hasUnsettled ? unsettledIntervalMs : pollIntervalMs;
    } catch (error) {
      // One that is stopped has nobody to tell; another may be there by now.
      if (!this.#isStopped && !(error instanceof ServiceUnavailableError)) throw error;
      return retryIntervalMs;
    }
  }

  #advance(entries: LedgerTail["entries"]): void {
    this.recent.append(entries);
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const resume of waiting) resume();
  }
}
