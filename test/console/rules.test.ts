import { describe, expect, test } from "@jest/globals";
import { actionRules } from "../../src/console/api/actions.ts";
import { checkNote, checkProductId, checkQuantity, checkReference } from "../../src/console/api/input-rules.ts";
import { actionEffects, stockActions } from "../../src/inventory/actions.ts";
import { InvalidInputError } from "../../src/inventory/errors.ts";
import { parseStockTransactionInput } from "../../src/inventory/input.ts";

/** Whether the gateway takes it. */
function isTaken(change: Partial<Parameters<typeof parseStockTransactionInput>[0]>): boolean {
  try {
    parseStockTransactionInput({ productId: "shirt", action: "INCREMENT", quantity: 1, ...change });
    return true;
  } catch (error) {
    if (error instanceof InvalidInputError) return false;
    throw error;
  }
}

describe("the console shows before sending what the gateway will say", () => {
  test.each(stockActions)("of the effect of %s", (action) => {
    const { available, allocated, quantityMin } = actionEffects[action];
    expect(actionRules[action]).toMatchObject({ available, allocated, quantityMin });
  });

  test.each([
    ["shirt", true],
    ["", false],
    [" shirt", false],
    ["shirt ", false],
    ["a\nb", false],
    ["a\u2028b", false],
    ["multiple", false],
    [".", false],
    ["..", false],
    ["x".repeat(255), true],
    ["x".repeat(256), false],
    ["👕".repeat(255), true],
    ["\ud83d", false],
  ])("of the product id %j", (productId, isSound) => {
    expect([isTaken({ productId }), checkProductId(productId) === null]).toEqual([isSound, isSound]);
  });

  test.each([
    ["INCREMENT", "0", false],
    ["CREATE", "0", true],
    ["INCREMENT", "1", true],
    ["INCREMENT", "2147483647", true],
    ["INCREMENT", "2147483648", false],
    ["INCREMENT", "-1", false],
    ["INCREMENT", "1.5", false],
  ] as const)("of %s with the quantity %s", (action, quantity, isSound) => {
    const taken = isTaken({ action, quantity: Number(quantity) });
    expect([taken, checkQuantity(quantity, action) === null]).toEqual([isSound, isSound]);
  });

  test.each([
    ["", true],
    ["order-4711", true],
    ["two\nlines", false],
    ["x".repeat(256), false],
  ])("of the reference %j", (reference, isSound) => {
    expect([isTaken({ reference }), checkReference(reference) === null]).toEqual([isSound, isSound]);
  });

  test.each([
    ["two\nlines", true],
    ["a\u0000b", false],
    ["x".repeat(1_000), true],
    ["x".repeat(1_001), false],
  ])("of the note %j", (note, isSound) => {
    expect([isTaken({ note }), checkNote(note) === null]).toEqual([isSound, isSound]);
  });
});
