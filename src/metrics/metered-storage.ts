import type { SettleState, Settlement } from "../inventory/settlement.ts";
import { StorageError } from "../inventory/storage.ts";
import type { GroupScope, InventoryStorage } from "../inventory/storage.ts";
import type { Metrics } from "./metrics.ts";

/** Times groups that are committed, and counts attempts that fail. */
export class MeteredStorage implements InventoryStorage {
  readonly #storage: InventoryStorage;
  readonly #metrics: Metrics;

  constructor(storage: InventoryStorage, metrics: Metrics) {
    this.#storage = storage;
    this.#metrics = metrics;
  }

  async settle(
    scope: GroupScope,
    deadline: number,
    decide: (state: SettleState, now: Date) => Settlement,
  ): Promise<Settlement> {
    const startedAt = performance.now();
    try {
      const settlement = await this.#storage.settle(scope, deadline, decide);
      const commands = settlement.outcomes.reduce((count, outcomes) => count + outcomes.length, 0);
      this.#metrics.countGroup(commands, (performance.now() - startedAt) / 1_000);
      return settlement;
    } catch (error) {
      if (error instanceof StorageError) this.#metrics.countGroupFailure(error.kind, error.sqlState);
      else this.#metrics.countGroupFailure("fault", null);
      throw error;
    }
  }

  findHeld(productIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#storage.findHeld(productIds);
  }
}
