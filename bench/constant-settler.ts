import type { CommandBatch } from "../src/inventory/commands.ts";
import type { Settler } from "../src/inventory/inventory.ts";
import type { Outcome } from "../src/inventory/stock-transaction.ts";

const outcome: Outcome = {
  kind: "applied",
  replayed: false,
  transaction: {
    id: "01900000-0000-7000-8000-000000000000",
    productId: "product-000000",
    action: "INCREMENT",
    quantity: 1,
    availableAfter: 1_000_001,
    allocatedAfter: 1_000_000,
    version: 3,
    reason: null,
    reference: null,
    note: null,
    actor: "benchmark",
    idempotencyKey: null,
    createdAt: new Date(0),
  },
};

/**
 * Answers every command at once with the same stock transaction, and writes nothing. It stands where group commit does: what is
 * left is what HTTP, access control, GraphQL and the checks of the arguments cost, with an answer of the same type and size.
 */
export class ConstantSettler implements Settler {
  async settle({ commands }: CommandBatch): Promise<readonly Outcome[]> {
    return commands.map(() => outcome);
  }
}
