const firstDelayMs = 100;
const delayMaxMs = 10_000;
/** Some twenty seconds of trying. */
const restartsMax = 8;
/** Who has served for so long has not died of its start. */
const servedWellMs = 60_000;

/** Says when a worker that has died is replaced, and when it is not worth trying any more. */
export class Restarts {
  #inRow = 0;

  /**
   * @param servedMs how long the one that has died had served; 0 where it never did
   * @returns how long to wait; null where it has died again and again
   */
  next(servedMs: number): number | null {
    if (servedMs >= servedWellMs) this.#inRow = 0;
    if (this.#inRow >= restartsMax) return null;
    const delayMs = Math.min(delayMaxMs, firstDelayMs * 2 ** this.#inRow);
    this.#inRow += 1;
    return delayMs;
  }
}
