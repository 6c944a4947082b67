import type { StockAction } from "../generated/operations.ts";
import { actionRules } from "./actions.ts";

/** The highest level and quantity. */
const quantityMax = 2_147_483_647;

const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;
const unprintableInText = /[^\P{Cc}\t\r\n]|\p{Cs}/u;
const reserved: ReadonlySet<string> = new Set(["multiple", ".", ".."]);

/** Says what is wrong with it, as the gateway would; null where nothing is. Its counterpart is `src/inventory/input.ts`. */
export function checkProductId(productId: string): string | null {
  if (productId === "") return "The product id is missing";
  if (Array.from(productId).length > 255) return "The product id is longer than 255 characters";
  if (unprintable.test(productId)) return "The product id has a control character or a line break";
  if (/^\s|\s$/.test(productId)) return "The product id begins or ends with a space";
  return reserved.has(productId) ? `The product id can't be “${productId}”` : null;
}

/** @param text as it was typed */
export function checkQuantity(text: string, action: StockAction): string | null {
  if (text === "") return "The quantity is missing";
  if (!/^\d+$/.test(text)) return "The quantity has to be a whole number";
  const min = actionRules[action].quantityMin;
  if (Number(text) < min) return `The quantity has to be ${min} or more`;
  return Number(text) > quantityMax ? "The quantity has to be 2 147 483 647 or less" : null;
}

export function checkReference(reference: string): string | null {
  if (Array.from(reference).length > 255) return "The reference is longer than 255 characters";
  return unprintable.test(reference) ? "The reference has to be one line of text" : null;
}

export function checkNote(note: string): string | null {
  if (Array.from(note).length > 1_000) return "The note is longer than 1 000 characters";
  return unprintableInText.test(note) ? "The note has a control character" : null;
}
