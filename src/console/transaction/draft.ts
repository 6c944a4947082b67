import { StockAction, StockReason } from "../generated/operations.ts";
import { emptyFields } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** A form that has not come to its end, kept for the tab: a reload loses neither what was typed nor the key it was sent with. */
export interface Draft {
  readonly fields: Fields;
  /** What was sent and has no answer yet; null before sending. */
  readonly pending: PendingIntent | null;
}

/** An idempotency key, and the client whose key it is: another client's keys are others. */
export interface PendingIntent {
  readonly key: string;
  readonly clientId: string;
}

const storageKey = "inventory-gateway.draft";

export function readDraft(): Draft | null {
  try {
    return parseDraft(JSON.parse(sessionStorage.getItem(storageKey) ?? "null"));
  } catch {
    return null;
  }
}

/** Keeps it; null forgets it. */
export function writeDraft(draft: Draft | null): void {
  if (draft === null) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, JSON.stringify(draft));
}

function parseDraft(value: unknown): Draft | null {
  if (typeof value !== "object" || value === null) return null;
  const { fields, pending } = value as Partial<Record<keyof Draft, unknown>>;
  if (typeof fields !== "object" || fields === null) return null;
  const text = (name: keyof Fields): string => {
    const field: unknown = Reflect.get(fields, name);
    return typeof field === "string" ? field : "";
  };
  return {
    fields: {
      productId: text("productId"),
      action: Object.values(StockAction).find((action) => action === text("action")) ?? emptyFields.action,
      quantity: text("quantity"),
      reason: Object.values(StockReason).find((reason) => reason === text("reason")) ?? "",
      reference: text("reference"),
      note: text("note"),
    },
    pending: parsePending(pending),
  };
}

function parsePending(value: unknown): PendingIntent | null {
  if (typeof value !== "object" || value === null) return null;
  const { key, clientId } = value as Partial<Record<keyof PendingIntent, unknown>>;
  return typeof key === "string" && typeof clientId === "string" ? { key, clientId } : null;
}
