import type { StockAction } from "./actions.ts";
import type { SettleState, Settlement } from "./settlement.ts";
import type { StockTransaction } from "./stock-transaction.ts";
import { levelMax } from "./stock.ts";
import type { Levels } from "./stock.ts";

/** How a correction is known in the ledger, together with levels that its own effect doesn't explain. */
export const correctionReason = "CORRECTION";
export const correctionReference = "verify";

/** A product whose levels are not what the effects of its stock transactions come to: somebody wrote past the gateway. */
export interface Drift {
  readonly productId: string;
  /** Of the stock when it was looked at. */
  readonly version: number;
  /** Of the stock then: what gateways have sold from since. */
  readonly levels: Levels;
  /** What has to be added to the effects to come to the levels. Not bounded as levels are. */
  readonly change: Levels;
}

/** A stock transaction that a correction consists of. */
export interface CorrectionStep {
  readonly action: StockAction;
  readonly quantity: number;
}

/**
 * The stock transactions whose effects together are the change: units that came or went, then units that were set aside
 * or given back.
 * @returns null where one would be of more units than a stock transaction can have
 */
export function stepsOfCorrection({ available, allocated }: Levels): readonly CorrectionStep[] | null {
  const total = available + allocated;
  const steps: CorrectionStep[] = [
    { action: total > 0 ? "INCREMENT" : "DECREMENT", quantity: Math.abs(total) },
    { action: allocated > 0 ? "ALLOCATE" : "DEALLOCATE", quantity: Math.abs(allocated) },
  ];
  const needed = steps.filter(({ quantity }) => quantity > 0);
  return needed.some(({ quantity }) => quantity > levelMax) ? null : needed;
}

/**
 * Decides a correction under the row lock. The levels stay as they are, because gateways have answered by them; the
 * ledger gets the stock transactions that explain them. Whether the shelf has as many is for people to count, and to put
 * right by a stock transaction as any other.
 * @param idOf makes a UUID v7
 * @returns null where the stock has changed since the drift was found: nothing is to be written then
 */
export function settleCorrection(
  drift: Drift,
  state: SettleState,
  by: { readonly actor: string; readonly now: Date; readonly idOf: () => string },
): Settlement | null {
  const { productId, version, levels, change } = drift;
  const stock = state.stocks.get(productId);
  const steps = stepsOfCorrection(change);
  if (stock === undefined || !stock.tracked || stock.version !== version || steps === null) return null;
  if (stock.available !== levels.available || stock.allocated !== levels.allocated) return null;
  const createdAt = by.now > stock.updatedAt ? by.now : stock.updatedAt;
  const transactions = steps.map(({ action, quantity }, index): StockTransaction => ({
    id: by.idOf(),
    productId,
    action,
    quantity,
    availableAfter: levels.available,
    allocatedAfter: levels.allocated,
    version: version + 1 + index,
    reason: correctionReason,
    reference: correctionReference,
    note: "Explains levels that were changed past the gateway",
    actor: by.actor,
    idempotencyKey: null,
    createdAt,
  }));
  return {
    outcomes: [],
    stocks: [{ stock: { ...stock, version: version + steps.length, updatedAt: createdAt }, versionBefore: version }],
    transactions,
    deletions: [],
    spentKeys: [],
  };
}
