import { Field, ID, InputType } from "type-graphql";
import type { StockAction, StockReason } from "../inventory/actions.ts";
import { InvalidInputError } from "../inventory/errors.ts";
import { parseProductId, productIdLengthMax } from "../inventory/input.ts";
import type { StockTransactionFilter } from "../inventory/queries.ts";
import { DateTime } from "./date-time.ts";
import { StockActionEnum, StockReasonEnum } from "./enums.ts";

/** The most values that one list of a filter may have. */
const filterProductIdsMax = 1_000;
const filterValuesMax = 100;

@InputType("StockTransactionFilter", {
  description:
    "Which stock transactions: those for which all that is given here holds. Of a list, one value has to fit; an empty list fits none.",
})
export class StockTransactionFilterInput {
  @Field(() => [ID], { nullable: true, description: "Of one of these products; at most 1 000." })
  declare readonly productIds?: string[] | null;

  @Field(() => [StockActionEnum], { nullable: true, description: "With one of these actions; at most 100." })
  declare readonly actions?: StockAction[] | null;

  @Field(() => [StockReasonEnum], {
    nullable: true,
    description: "With one of these reasons; at most 100. One without a reason never fits.",
  })
  declare readonly reasons?: StockReason[] | null;

  @Field(() => [String], { nullable: true, description: "By one of these API clients; at most 100." })
  declare readonly actors?: string[] | null;

  @Field(() => String, { nullable: true, description: "With exactly this reference." })
  declare readonly reference?: string | null;

  @Field(() => DateTime, { nullable: true, description: "Accepted at this instant or after it." })
  declare readonly createdSince?: Date | null;

  @Field(() => DateTime, { nullable: true, description: "Accepted before this instant." })
  declare readonly createdBefore?: Date | null;
}

/** @throws InvalidInputError */
export function toStockTransactionFilter(
  input: StockTransactionFilterInput | null | undefined,
): StockTransactionFilter {
  if (input == null) return {};
  const actors = checkLength("filter.actors", input.actors, filterValuesMax);
  return {
    productIds: input.productIds == null ? undefined : parseProductIds("filter.productIds", input.productIds),
    actions: checkLength("filter.actions", input.actions, filterValuesMax),
    reasons: checkLength("filter.reasons", input.reasons, filterValuesMax),
    actors: actors?.map((actor) => checkText("filter.actors", actor)),
    reference: input.reference == null ? undefined : checkText("filter.reference", input.reference),
    createdSince: input.createdSince ?? undefined,
    createdBefore: input.createdBefore ?? undefined,
  };
}

/** @throws InvalidInputError */
export function parseProductIds(field: string, productIds: readonly string[]): readonly string[] {
  return (checkLength(field, productIds, filterProductIdsMax) ?? []).map((productId) => parseProductId(productId));
}

function checkLength<T>(
  field: string,
  values: readonly T[] | null | undefined,
  lengthMax: number,
): readonly T[] | undefined {
  if (values == null) return undefined;
  if (values.length > lengthMax) throw new InvalidInputError(field, `${field} has more than ${lengthMax} values`);
  return values;
}

/**
 * A text to compare with: what no column can hold is refused before PostgreSQL does it with a fault.
 * @throws InvalidInputError
 */
export function checkText(field: string, text: string): string {
  if (text.length > 2 * productIdLengthMax || Array.from(text).length > productIdLengthMax)
    throw new InvalidInputError(field, `${field} is longer than ${productIdLengthMax} characters`);
  if (/[\p{Cc}\p{Cs}]/u.test(text))
    throw new InvalidInputError(field, `${field} has a control character or half a surrogate pair`);
  return text;
}
