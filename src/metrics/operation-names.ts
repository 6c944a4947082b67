/** The most pairs of a root field and a client's name for an operation. */
const pairsMax = 200;
const nameLengthMax = 100;

/**
 * Bounds what clients can make a time series of: they choose their operations' names, and a series is kept for ever. The
 * names that came first stand for themselves, all others together for one; that no operation can be called so keeps them apart.
 */
export class OperationNames {
  readonly #known = new Set<string>();

  /** @returns the name, empty for an operation without one, or `(other)` */
  bound(field: string, name: string | null): string {
    if (name === null) return "";
    if (name.length > nameLengthMax) return other;
    const pair = `${field} ${name}`;
    if (this.#known.has(pair)) return name;
    if (this.#known.size >= pairsMax) return other;
    this.#known.add(pair);
    return name;
  }
}

const other = "(other)";
