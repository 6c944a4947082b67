import { formatCount } from "../format.ts";
import { actionRules } from "./actions.ts";
import type { Refusal } from "./refusals.ts";

/** Says a refusal in words: what is there, what was asked, what is missing. */
export function refusalText(refusal: Refusal): string {
  const product = refusal.productId === null ? "The product" : `“${refusal.productId}”`;
  switch (refusal.code) {
    case "INSUFFICIENT_STOCK":
      return `${insufficientText(refusal, product)} Nothing was changed.`;
    case "QUANTITY_OUT_OF_RANGE":
      return `${product} would have more than 2 147 483 647 units with ${asked(refusal)} more. Nothing was changed.`;
    case "IDEMPOTENCY_KEY_REUSED":
      return "The same key was used before for something else. Nothing was changed.";
    case "STOCK_NOT_FOUND":
      return `${product} is not tracked: receive units or start tracking it first. Nothing was changed.`;
    case "STOCK_ALREADY_EXISTS":
      return `${product} is tracked already${levels(refusal)}. Nothing was changed.`;
    case "STALE_VERSION":
      return `${product} has changed since it was read. Nothing was changed.`;
    case "STOCK_STILL_ALLOCATED":
      return `${product} still has units allocated${levels(refusal)}. Nothing was changed.`;
    case "BATCH_NOT_APPLIED":
      return "Another line of the same batch was refused. Nothing was changed.";
  }
}

function insufficientText(refusal: Refusal, product: string): string {
  const { action, requested, available, allocated } = refusal;
  const pool = action === null ? "available" : (actionRules[action].takesFrom ?? "available");
  const there = pool === "available" ? available : allocated;
  if (there === null || requested === null) return refusal.detail;
  const missing = formatCount(requested - there);
  const are = requested - there === 1 ? "is" : "are";
  return `${product} has ${formatCount(there)} ${pool}. You asked for ${formatCount(requested)}, so ${missing} ${are} missing.`;
}

function asked({ requested }: Refusal): string {
  return requested === null ? "so many" : formatCount(requested);
}

function levels({ available, allocated }: Refusal): string {
  if (available === null || allocated === null) return "";
  return `: ${formatCount(available)} available, ${formatCount(allocated)} allocated`;
}
