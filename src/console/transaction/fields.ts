import type { Levels } from "../api/actions.ts";
import { levelsAfter } from "../api/actions.ts";
import { checkNote, checkProductId, checkQuantity, checkReference } from "../api/input-rules.ts";
import type { CreateStockTransactionMutationVariables, StockAction, StockReason } from "../generated/operations.ts";

/** What stands in the form, as it was typed. */
export interface Fields {
  readonly productId: string;
  readonly action: StockAction;
  readonly quantity: string;
  readonly reason: StockReason | "";
  readonly reference: string;
  readonly note: string;
}

export const emptyFields: Fields = {
  productId: "",
  action: "INCREMENT",
  quantity: "",
  reason: "",
  reference: "",
  note: "",
};

/** What is wrong with each field; null where nothing is. */
export type FieldProblems = Readonly<Record<"productId" | "quantity" | "reference" | "note", string | null>>;

export function checkFields({ productId, action, quantity, reference, note }: Fields): FieldProblems {
  return {
    productId: checkProductId(productId.trim()),
    quantity: checkQuantity(quantity.trim(), action),
    reference: checkReference(reference.trim()),
    note: checkNote(note.trim()),
  };
}

export function isSound(problems: FieldProblems): boolean {
  return Object.values(problems).every((problem) => problem === null);
}

/** What is sent. */
export function toVariables(fields: Fields, idempotencyKey: string): CreateStockTransactionMutationVariables {
  const { productId, action, quantity, reason, reference, note } = fields;
  return {
    productId: productId.trim(),
    action,
    quantity: Number(quantity.trim()),
    idempotencyKey,
    reason: reason === "" ? null : reason,
    reference: reference.trim() || null,
    note: note.trim() || null,
  };
}

/** The levels that there will be if nobody else is faster; null where the fields don't say. */
export function expectedLevels(fields: Fields, levels: Levels): Levels | null {
  if (checkQuantity(fields.quantity.trim(), fields.action) !== null) return null;
  return levelsAfter(levels, fields.action, Number(fields.quantity.trim()));
}
