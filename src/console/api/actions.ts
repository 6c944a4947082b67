import type { StockAction, StockReason } from "../generated/operations.ts";

/** The two levels of a product. */
export interface Levels {
  readonly available: number;
  readonly allocated: number;
}

/** What an action is called here, and what it does. */
interface ActionRule {
  readonly label: string;
  readonly hint: string;
  /** Added to the pool: this times the quantity. */
  readonly available: -1 | 0 | 1;
  readonly allocated: -1 | 0 | 1;
  /** The pool that has to hold the quantity. */
  readonly takesFrom: "available" | "allocated" | null;
  readonly quantityMin: 0 | 1;
}

/** Everything that the console knows of actions; the gateway decides. */
export const actionRules: Readonly<Record<StockAction, ActionRule>> = {
  INCREMENT: {
    label: "Receive",
    hint: "Units arrive: available grows.",
    available: 1,
    allocated: 0,
    takesFrom: null,
    quantityMin: 1,
  },
  DECREMENT: {
    label: "Take out",
    hint: "Units leave: available falls.",
    available: -1,
    allocated: 0,
    takesFrom: "available",
    quantityMin: 1,
  },
  ALLOCATE: {
    label: "Allocate",
    hint: "Set units aside for an order: from available to allocated.",
    available: -1,
    allocated: 1,
    takesFrom: "available",
    quantityMin: 1,
  },
  DEALLOCATE: {
    label: "Give back",
    hint: "Units set aside are free again: from allocated to available.",
    available: 1,
    allocated: -1,
    takesFrom: "allocated",
    quantityMin: 1,
  },
  CREATE: {
    label: "Track",
    hint: "A product that is not tracked yet, with what is there now.",
    available: 1,
    allocated: 0,
    takesFrom: null,
    quantityMin: 0,
  },
};

/** In the order in which people look for them. */
export const actions: readonly StockAction[] = ["INCREMENT", "DECREMENT", "ALLOCATE", "DEALLOCATE", "CREATE"];

/** In the order of the schema. */
export const reasons: readonly StockReason[] = [
  "RECEIVED",
  "SOLD",
  "RETURNED",
  "DAMAGED",
  "LOST",
  "TRANSFERRED",
  "CORRECTION",
  "RESERVED",
  "RELEASED",
  "OTHER",
];

/** "Damaged", for DAMAGED. */
export function reasonLabel(reason: StockReason): string {
  return reason.charAt(0) + reason.slice(1).toLowerCase();
}

/** The levels that there would be after it; negative where the gateway would refuse it. */
export function levelsAfter(levels: Levels, action: StockAction, quantity: number): Levels {
  const rule = actionRules[action];
  return {
    available: levels.available + rule.available * quantity,
    allocated: levels.allocated + rule.allocated * quantity,
  };
}
