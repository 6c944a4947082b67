import type { Command, CommandBatch } from "../inventory/commands.ts";
import { ServiceUnavailableError } from "../inventory/errors.ts";
import type { Settler } from "../inventory/inventory.ts";
import type { Outcome } from "../inventory/stock-transaction.ts";
import type { Metrics } from "./metrics.ts";

/** Counts what becomes of each command. */
export class MeteredSettler implements Settler {
  readonly #settler: Settler;
  readonly #metrics: Metrics;

  constructor(settler: Settler, metrics: Metrics) {
    this.#settler = settler;
    this.#metrics = metrics;
  }

  async settle(batch: CommandBatch): Promise<readonly Outcome[]> {
    const { commands } = batch;
    try {
      const outcomes = await this.#settler.settle(batch);
      for (const [index, outcome] of outcomes.entries()) this.#count(commands[index], nameOf(outcome));
      return outcomes;
    } catch (error) {
      for (const command of commands) this.#count(command, failureOf(error));
      throw error;
    }
  }

  #count(command: Command | undefined, outcome: string): void {
    if (command === undefined) return;
    this.#metrics.countStockTransactions(command.kind === "delete-stock" ? "DELETE" : command.action, outcome);
  }
}

/** A refusal goes by its code. What is told again is counted as such, whatever it was. */
function nameOf(outcome: Outcome): string {
  if (outcome.kind === "deleted") return "APPLIED";
  if (outcome.replayed) return "REPLAYED";
  return outcome.kind === "applied" ? "APPLIED" : outcome.refusal.code;
}

function failureOf(error: unknown): string {
  if (!(error instanceof ServiceUnavailableError)) return "FAULT";
  return error.outcome === "unknown" ? "UNKNOWN" : "NOT_APPLIED";
}
