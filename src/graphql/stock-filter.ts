import { Field, InputType, Int } from "type-graphql";
import type { StockFilter } from "../inventory/queries.ts";
import { DateTime } from "./date-time.ts";
import { checkText } from "./stock-transaction-filter.ts";

@InputType("StockFilter", { description: "Which stocks: those for which all that is given here holds." })
export class StockFilterInput {
  @Field(() => String, {
    nullable: true,
    description: "The product id begins with this, compared exactly; up to 255 characters.",
  })
  declare readonly productIdPrefix?: string | null;

  @Field(() => Int, { nullable: true, description: "So many available units or fewer: what has to be ordered." })
  declare readonly availableAtMost?: number | null;

  @Field(() => Int, { nullable: true, description: "So many available units or more." })
  declare readonly availableAtLeast?: number | null;

  @Field(() => Int, { nullable: true, description: "So many allocated units or more." })
  declare readonly allocatedAtLeast?: number | null;

  @Field(() => DateTime, { nullable: true, description: "Changed at this instant or after it." })
  declare readonly updatedSince?: Date | null;
}

/** @throws InvalidInputError */
export function toStockFilter(input: StockFilterInput | null | undefined): StockFilter {
  if (input == null) return {};
  return {
    productIdPrefix:
      input.productIdPrefix == null ? undefined : checkText("filter.productIdPrefix", input.productIdPrefix),
    availableAtMost: input.availableAtMost ?? undefined,
    availableAtLeast: input.availableAtLeast ?? undefined,
    allocatedAtLeast: input.allocatedAtLeast ?? undefined,
    updatedSince: input.updatedSince ?? undefined,
  };
}
