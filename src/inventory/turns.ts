/** How many entries are given out in one turn of the event loop: some milliseconds of work. */
const entriesPerTurn = 64;

/**
 * Gives watchers their entries by turns. A socket that has room takes one after another without ever going back to the event loop,
 * where everybody else's requests wait.
 */
export class Turns {
  #given = 0;
  #next: Promise<void> | null = null;

  /** Waits for a place in this turn or one after it; those who have waited longest go first. */
  async take(): Promise<void> {
    while (this.#given >= entriesPerTurn) await this.#nextTurn();
    this.#given += 1;
  }

  #nextTurn(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#given = 0;
        this.#next = null;
        resolve();
      });
    });
    return this.#next;
  }
}
