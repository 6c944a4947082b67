import type { LedgerEntry, LedgerTail } from "./ledger.ts";

/** The most that are kept, some ten megabytes; when there are more, the oldest go in one step. */
const entriesMax = 8_192;
const entriesKept = 6_144;

/** The newest entries of the ledger, which all watchers of a gateway share. */
export class RecentEntries {
  #entries: LedgerEntry[];
  #after: bigint;
  #upTo: bigint;

  constructor({ entries, after }: LedgerTail) {
    this.#entries = [...entries];
    this.#after = after;
    this.#upTo = entries.at(-1)?.position ?? after;
  }

  /** The place up to which the ledger has been read. */
  get upTo(): bigint {
    return this.#upTo;
  }

  /** Whether everything after a place, as far as it was read, is here. */
  hasAllAfter(position: bigint): boolean {
    return position >= this.#after;
  }

  /** @param entries those right after {@link upTo}, in order */
  append(entries: readonly LedgerEntry[]): void {
    this.#entries.push(...entries);
    this.#upTo = entries.at(-1)?.position ?? this.#upTo;
    if (this.#entries.length <= entriesMax) return;
    const dropped = this.#entries.splice(0, this.#entries.length - entriesKept);
    this.#after = dropped.at(-1)?.position ?? this.#after;
  }

  /** @returns the first entry after a place that is about one of the products; null for none */
  findAfter(position: bigint, productIds: ReadonlySet<string> | null): LedgerEntry | null {
    for (let index = this.#indexAfter(position); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry !== undefined && (productIds === null || productIds.has(entry.node.productId))) return entry;
    }
    return null;
  }

  /** By halves. */
  #indexAfter(position: bigint): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
