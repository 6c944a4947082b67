import { actionEffects } from "./actions.ts";
import type { Command, CommandBatch, CreateStockTransaction, DeleteStock } from "./commands.ts";
import { Draft } from "./draft.ts";
import type { Refusal, StockErrorCode } from "./errors.ts";
import type { SettleState, Settlement } from "./settlement.ts";
import type { Outcome } from "./stock-transaction.ts";
import { levelMax, totalOf } from "./stock.ts";
import type { StockRecord } from "./stock.ts";

/**
 * Decides a group of commands as if they had come one after another, in the order given: the rules of the inventory.
 * Pure: it reads no clock and no database, and the same arguments give the same settlement.
 * @param now the instant of the decision; a stock transaction is never dated before the one it follows
 */
export function settle(state: SettleState, batches: readonly CommandBatch[], now: Date): Settlement {
  const group = new Draft(state, now);
  const outcomes = batches.map((batch) => settleBatch(group, batch));
  return {
    outcomes,
    stocks: group.changedStocks(),
    transactions: group.transactions,
    deletions: group.deletions,
    spentKeys: [...group.spentKeys.values()],
  };
}

function settleBatch(group: Draft, { policy, commands }: CommandBatch): Outcome[] {
  if (policy === "EACH" || commands.length === 1) return commands.map((command) => settleCommand(group, command));

  const attempt = group.branch();
  const outcomes = commands.map((command) => settleCommand(attempt, command));
  if (!outcomes.some((outcome) => outcome.kind === "refused")) {
    group.merge(attempt);
    return outcomes;
  }
  const rejected = group.branch();
  const answers = commands.map((command, index) => rejectWithBatch(rejected, command, outcomes[index]));
  group.merge(rejected);
  return answers;
}

/** Answers a line of a batch that is not applied: with its own refusal, or with that of its neighbours. */
function rejectWithBatch(draft: Draft, command: Command, attempted: Outcome | undefined): Outcome {
  if (command.kind === "create-stock-transaction") {
    const earlier = draft.findEarlier(command);
    if (earlier !== null) return earlier;
  }
  if (attempted?.kind === "refused") return draft.refuse(command, attempted.refusal);
  return draft.refuse(command, refusalOf(command, "BATCH_NOT_APPLIED", draft.findStock(command.productId)));
}

function settleCommand(draft: Draft, command: Command): Outcome {
  return command.kind === "delete-stock" ? settleDeletion(draft, command) : settleStockTransaction(draft, command);
}

function settleStockTransaction(draft: Draft, command: CreateStockTransaction): Outcome {
  const earlier = draft.findEarlier(command);
  if (earlier !== null) return earlier;

  const stock = draft.findStock(command.productId);
  const effect = actionEffects[command.action];
  const tracked = stock?.tracked ?? false;
  if (tracked && effect.tracked === "refuse")
    return draft.refuse(command, refusalOf(command, "STOCK_ALREADY_EXISTS", stock));
  if (!tracked && effect.untracked === "refuse")
    return draft.refuse(command, refusalOf(command, "STOCK_NOT_FOUND", stock));
  if (isStale(command, stock)) return draft.refuse(command, refusalOf(command, "STALE_VERSION", stock));

  const levels = {
    available: (stock?.available ?? 0) + effect.available * command.quantity,
    allocated: (stock?.allocated ?? 0) + effect.allocated * command.quantity,
  };
  if (levels.available < 0 || levels.allocated < 0)
    return draft.refuse(command, refusalOf(command, "INSUFFICIENT_STOCK", stock));
  if (totalOf(levels) > levelMax) return draft.refuse(command, refusalOf(command, "QUANTITY_OUT_OF_RANGE", stock));
  return draft.apply(command, levels, stock);
}

function settleDeletion(draft: Draft, command: DeleteStock): Outcome {
  const resolved = draft.findResolved(command.id);
  if (resolved !== null) return resolved;

  const stock = draft.findStock(command.productId);
  if (stock === null || !stock.tracked) return draft.refuse(command, refusalOf(command, "STOCK_NOT_FOUND", stock));
  if (isStale(command, stock)) return draft.refuse(command, refusalOf(command, "STALE_VERSION", stock));
  if (stock.allocated > 0) return draft.refuse(command, refusalOf(command, "STOCK_STILL_ALLOCATED", stock));
  return draft.delete(command, stock);
}

function isStale(command: Command, stock: StockRecord | null): boolean {
  return command.expectedVersion !== null && command.expectedVersion !== (stock?.version ?? 0);
}

function refusalOf(command: Command, code: StockErrorCode, stock: StockRecord | null): Refusal {
  const isTracked = stock !== null && stock.tracked;
  return {
    code,
    productId: command.productId,
    action: command.kind === "create-stock-transaction" ? command.action : null,
    requested: command.kind === "create-stock-transaction" ? command.quantity : null,
    available: isTracked ? stock.available : null,
    allocated: isTracked ? stock.allocated : null,
    version: stock?.version ?? 0,
  };
}
