/** What one action does; q is the quantity of the stock transaction. */
interface ActionEffect {
  /** Added to the pool: this times q. */
  readonly available: -1 | 0 | 1;
  readonly allocated: -1 | 0 | 1;
  /** What happens on a product that is not tracked: tracking starts, or the command is refused. */
  readonly untracked: "start" | "refuse";
  /** What happens on a product that is tracked. */
  readonly tracked: "apply" | "refuse";
  readonly quantityMin: 0 | 1;
}

const effects = {
  CREATE: { available: 1, allocated: 0, untracked: "start", tracked: "refuse", quantityMin: 0 },
  INCREMENT: { available: 1, allocated: 0, untracked: "start", tracked: "apply", quantityMin: 1 },
  DECREMENT: { available: -1, allocated: 0, untracked: "refuse", tracked: "apply", quantityMin: 1 },
  ALLOCATE: { available: -1, allocated: 1, untracked: "refuse", tracked: "apply", quantityMin: 1 },
  DEALLOCATE: { available: 1, allocated: -1, untracked: "refuse", tracked: "apply", quantityMin: 1 },
} as const satisfies Record<string, ActionEffect>;

/** What a stock transaction does to the two pools of one product. */
export type StockAction = keyof typeof effects;

/** Every action with its effect; a rule about actions is a column here, never a branch elsewhere. */
export const actionEffects: Readonly<Record<StockAction, ActionEffect>> = effects;

/** The names of all actions, in the order in which they are documented. */
export const stockActions: readonly StockAction[] = ["CREATE", "INCREMENT", "DECREMENT", "ALLOCATE", "DEALLOCATE"];

/** Why an administrator moved stock. */
export const stockReasons = [
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
] as const;

export type StockReason = (typeof stockReasons)[number];
