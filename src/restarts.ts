const firstDelayMs = 100;
const delayMaxMs = 10_000;
/** Some twenty seconds of trying. */
const restartsMax = 8;
/** Who has served for so long has not died of its start. */
const servedWellMs = 60_000;

/** Where a worker is, or the one that replaces it. */
interface Place {
  deathsInRow: number;
  serves: boolean;
}

/** Says when workers that have died are replaced, and when it is not worth trying any more. */
export class Restarts {
  readonly #places: readonly Place[];

  /** @param count of workers, all of which serve */
  constructor(count: number) {
    this.#places = Array.from({ length: count }, () => ({ deathsInRow: 0, serves: true }));
  }

  /** Notes that a worker in this place, 0 to `count` - 1, serves. */
  serves(place: number): void {
    this.#at(place).serves = true;
  }

  /**
   * Notes that the worker in this place, 0 to `count` - 1, has died.
   * @param servedMs how long it had served; 0 where it never did
   * @returns how long to wait before it is replaced; null where all have died again and again, and none serves
   */
  died(place: number, servedMs: number): number | null {
    const dead = this.#at(place);
    if (servedMs >= servedWellMs) dead.deathsInRow = 0;
    const delayMs = Math.min(delayMaxMs, firstDelayMs * 2 ** dead.deathsInRow);
    dead.deathsInRow += 1;
    dead.serves = false;
    return this.#places.every(({ deathsInRow, serves }) => deathsInRow > restartsMax && !serves) ? null : delayMs;
  }

  #at(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new Error(`There is no place ${index}`);
    return place;
  }
}
