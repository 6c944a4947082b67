import { createHash } from "node:crypto";
import { batchLinesMax } from "./commands.ts";
import type { BatchPolicy, CommandBatch, CreateStockTransaction, StockTransactionInput } from "./commands.ts";
import { InvalidInputError, StockError } from "./errors.ts";
import { createId } from "./ids.ts";
import type { Outcome, StockTransaction, StockTransactionOutcome } from "./stock-transaction.ts";
import type { Stock } from "./stock.ts";

/** Settles batches of commands: see GroupCommit. */
export interface Settler {
  /**
   * @returns one outcome per command, in order, once they are durable
   * @throws ServiceUnavailableError
   */
  settle(batch: CommandBatch): Promise<readonly Outcome[]>;
}

/** An accepted stock transaction, and whether an earlier request with the same key had made it. */
export interface AppliedStockTransaction {
  readonly transaction: StockTransaction;
  readonly replayed: boolean;
}

/** What an administrator can do to stock. Every method takes checked input and the client that asks. */
export class Inventory {
  readonly #settler: Settler;

  constructor(settler: Settler) {
    this.#settler = settler;
  }

  /**
   * Applies one stock transaction.
   * @returns the stock transaction as recorded, with the levels right after it
   * @throws StockError (404, 409, 422): nothing was changed, and the idempotency key, if any, is spent on the refusal
   * @throws ServiceUnavailableError (503)
   * @see Elastic Path, "Create a Stock Transaction for a Product"
   */
  async createStockTransaction(clientId: string, input: StockTransactionInput): Promise<AppliedStockTransaction> {
    const [outcome] = await this.createStockTransactions(clientId, [input], "EACH");
    if (outcome === undefined) throw new Error("A batch of one command had no outcome");
    if (outcome.kind === "refused") throw new StockError(outcome.refusal, outcome.replayed);
    return outcome;
  }

  /**
   * Applies 1 … 1 000 stock transactions in the order given, all in one database transaction.
   * @returns one outcome per input, in order; refusals are among them
   * @throws InvalidInputError for an empty or too long batch
   * @throws ServiceUnavailableError (503)
   */
  async createStockTransactions(
    clientId: string,
    inputs: readonly StockTransactionInput[],
    policy: BatchPolicy,
  ): Promise<readonly StockTransactionOutcome[]> {
    if (inputs.length === 0 || inputs.length > batchLinesMax)
      throw new InvalidInputError("transactions", `a batch has to have 1 to ${batchLinesMax} lines`);
    const outcomes = await this.#settler.settle({
      policy,
      commands: inputs.map((input) => toCommand(clientId, input)),
    });
    return outcomes.map((outcome) => {
      if (outcome.kind === "deleted") throw new Error("A stock transaction was settled as a deletion");
      return outcome;
    });
  }

  /**
   * Stops tracking a product that has nothing allocated; its history stays.
   * @returns the last levels
   * @throws StockError (404, 409, 422), ServiceUnavailableError (503)
   */
  async deleteStock(clientId: string, productId: string, expectedVersion: number | null = null): Promise<Stock> {
    const [outcome] = await this.#settler.settle({
      policy: "EACH",
      commands: [{ kind: "delete-stock", id: createId(), clientId, productId, expectedVersion }],
    });
    if (outcome?.kind === "refused") throw new StockError(outcome.refusal, outcome.replayed);
    if (outcome?.kind !== "deleted") throw new Error("A deletion was settled as something else");
    return outcome.stock;
  }
}

function toCommand(clientId: string, input: StockTransactionInput): CreateStockTransaction {
  // The spread stands last: V8 copies an object at once, but adds each further property the long way, 4 µs for these.
  return { kind: "create-stock-transaction", id: createId(), clientId, fingerprint: fingerprintOf(input), ...input };
}

/** Only a request with a key needs one. */
function fingerprintOf(input: StockTransactionInput): string {
  if (input.idempotencyKey === null) return "";
  const { productId, action, quantity, expectedVersion, reason, reference, note } = input;
  const values = JSON.stringify([productId, action, quantity, expectedVersion, reason, reference, note]);
  return createHash("sha256").update(values).digest("base64url");
}
