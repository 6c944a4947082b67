import { actionEffects, stockReasons } from "./actions.ts";
import type { StockAction, StockReason } from "./actions.ts";
import type { StockTransactionInput } from "./commands.ts";
import { InvalidInputError } from "./errors.ts";
import { levelMax } from "./stock.ts";

/** Longest texts, in characters. */
export const productIdLengthMax = 255;
export const idempotencyKeyLengthMax = 255;
export const referenceLengthMax = 255;
export const noteLengthMax = 1_000;

/** Path segments of the REST API that stand where a product id could. */
const reservedProductIds: ReadonlySet<string> = new Set(["multiple", ".", ".."]);

/** Control characters, line and paragraph separators, and halves of surrogate pairs (PostgreSQL would store U+FFFD for each). */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;
/** The same, but for the tabs and line breaks that a text of several lines has. */
const unprintableInText = /[^\P{Cc}\t\r\n]|\p{Cs}/u;
const printableAscii = /^[\x20-\x7e]+$/;
const edgeSpace = /^\s|\s$/;

/** A stock transaction as it arrives: right in its types, unchecked in its values. Undefined and null mean the same. */
export interface RawStockTransactionInput {
  readonly productId: string;
  readonly action: string;
  readonly quantity: number;
  readonly idempotencyKey?: string | null | undefined;
  readonly expectedVersion?: number | null | undefined;
  readonly reason?: string | null | undefined;
  readonly reference?: string | null | undefined;
  readonly note?: string | null | undefined;
}

/**
 * Checks one stock transaction's values.
 * @param index the line of a batch, named in the error; null outside batches
 * @throws InvalidInputError
 */
export function parseStockTransactionInput(
  raw: RawStockTransactionInput,
  index: number | null = null,
): StockTransactionInput {
  const action = parseAction(raw.action, index);
  return {
    productId: parseProductId(raw.productId, index),
    action,
    quantity: parseQuantity(raw.quantity, actionEffects[action].quantityMin, index),
    idempotencyKey: raw.idempotencyKey == null ? null : parseIdempotencyKey(raw.idempotencyKey, index),
    expectedVersion: raw.expectedVersion == null ? null : parseExpectedVersion(raw.expectedVersion, index),
    reason: raw.reason == null ? null : parseReason(raw.reason, index),
    reference: parseText("reference", raw.reference, { lengthMax: referenceLengthMax, refused: unprintable, index }),
    note: parseText("note", raw.note, { lengthMax: noteLengthMax, refused: unprintableInText, index }),
  };
}

/**
 * @param productId 1 … 255 characters, none of them a control character, no space at either end
 * @throws InvalidInputError
 */
export function parseProductId(productId: string, index: number | null = null): string {
  if (productId === "") throw new InvalidInputError("productId", "productId is empty", index);
  if (isLongerThan(productId, productIdLengthMax))
    throw new InvalidInputError("productId", `productId is longer than ${productIdLengthMax} characters`, index);
  if (unprintable.test(productId))
    throw new InvalidInputError(
      "productId",
      "productId has a control character, a line break or half a surrogate pair",
      index,
    );
  if (edgeSpace.test(productId))
    throw new InvalidInputError("productId", "productId begins or ends with a space", index);
  if (reservedProductIds.has(productId))
    throw new InvalidInputError("productId", `productId "${productId}" is reserved`, index);
  return productId;
}

/**
 * @param key 1 … 255 printable ASCII characters, no space at either end
 * @throws InvalidInputError
 */
export function parseIdempotencyKey(key: string, index: number | null = null): string {
  if (key === "" || key.length > idempotencyKeyLengthMax)
    throw new InvalidInputError(
      "idempotencyKey",
      `idempotencyKey has to have 1 to ${idempotencyKeyLengthMax} characters`,
      index,
    );
  if (!printableAscii.test(key) || edgeSpace.test(key))
    throw new InvalidInputError(
      "idempotencyKey",
      "idempotencyKey may only have printable ASCII characters, with no space at either end",
      index,
    );
  return key;
}

/**
 * @param version the version that the stock must have, 0 for a product that never had any
 * @throws InvalidInputError
 */
export function parseExpectedVersion(version: number, index: number | null = null): number {
  if (!Number.isInteger(version) || version < 0 || version > levelMax)
    throw new InvalidInputError("expectedVersion", `expectedVersion has to be an integer from 0 to ${levelMax}`, index);
  return version;
}

function parseAction(action: string, index: number | null): StockAction {
  if (!isStockAction(action))
    throw new InvalidInputError("action", `action has to be one of ${Object.keys(actionEffects).join(", ")}`, index);
  return action;
}

function isStockAction(action: string): action is StockAction {
  return Object.hasOwn(actionEffects, action);
}

function parseQuantity(quantity: number, quantityMin: number, index: number | null): number {
  const inRange =
    Number.isInteger(quantity) && quantity >= quantityMin && quantity <= levelMax && !Object.is(quantity, -0);
  if (!inRange)
    throw new InvalidInputError("quantity", `quantity has to be an integer from ${quantityMin} to ${levelMax}`, index);
  return quantity;
}

function parseReason(reason: string, index: number | null): StockReason {
  const known = stockReasons.find((name) => name === reason);
  if (known === undefined)
    throw new InvalidInputError("reason", `reason has to be one of ${stockReasons.join(", ")}`, index);
  return known;
}

/** An empty text is none: forms send "" for a field left blank. */
function parseText(
  field: string,
  text: string | null | undefined,
  rules: { lengthMax: number; refused: RegExp; index: number | null },
): string | null {
  if (text == null || text === "") return null;
  if (isLongerThan(text, rules.lengthMax))
    throw new InvalidInputError(field, `${field} is longer than ${rules.lengthMax} characters`, rules.index);
  if (rules.refused.test(text))
    throw new InvalidInputError(field, `${field} has a control character or half a surrogate pair`, rules.index);
  return text;
}

/** Counts as PostgreSQL does: a character outside the Basic Multilingual Plane is one. */
function isLongerThan(text: string, lengthMax: number): boolean {
  if (text.length <= lengthMax) return false;
  if (text.length > 2 * lengthMax) return true;
  return Array.from(text).length > lengthMax;
}
