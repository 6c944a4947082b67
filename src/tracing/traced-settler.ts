import type { CommandBatch } from "../inventory/commands.ts";
import type { Settler } from "../inventory/inventory.ts";
import type { Outcome } from "../inventory/stock-transaction.ts";
import type { GroupTraces } from "./group-traces.ts";

/** Has each request be known by the batch that it asks for, to the group that carries it. */
export class TracedSettler implements Settler {
  readonly #settler: Settler;
  readonly #traces: GroupTraces;

  constructor(settler: Settler, traces: GroupTraces) {
    this.#settler = settler;
    this.#traces = traces;
  }

  settle(batch: CommandBatch): Promise<readonly Outcome[]> {
    this.#traces.note(batch);
    return this.#settler.settle(batch);
  }
}
