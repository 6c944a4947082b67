import { ArgsType, Field, ID, InputType, Int } from "type-graphql";
import type { StockAction, StockReason } from "../inventory/actions.ts";
import type { RawStockTransactionInput } from "../inventory/input.ts";
import { StockActionEnum, StockReasonEnum } from "./enums.ts";

/** One stock transaction as it is asked for: the arguments of createStockTransaction, and a line of a batch. */
@ArgsType()
@InputType("StockTransactionInput", {
  description: "One line of a batch: a stock transaction as createStockTransaction takes it.",
})
export class StockTransactionInput implements RawStockTransactionInput {
  @Field(() => ID, {
    description: "The product: 1 … 255 characters, none of them a control character, no space at either end.",
  })
  declare readonly productId: string;

  @Field(() => StockActionEnum, { description: "What to do." })
  declare readonly action: StockAction;

  @Field(() => Int, {
    description:
      "Of how many units: 1 … 2 147 483 647; CREATE also takes 0. Never negative: the action says which way.",
  })
  declare readonly quantity: number;

  @Field(() => String, {
    nullable: true,
    description:
      "Makes the request safe to send again: while it is the same, whatever comes with this key is answered with the first outcome, " +
      "a refusal too, and changes nothing. 1 … 255 printable ASCII characters, no space at either end; each API client has keys of its own. Take " +
      "a new one for every new request, such as a UUID.",
  })
  declare readonly idempotencyKey?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Only if the stock's version is this one, else STALE_VERSION: 0 … 2 147 483 647, 0 for a product that never had stock.",
  })
  declare readonly expectedVersion?: number | null;

  @Field(() => StockReasonEnum, { nullable: true, description: "Why, for reports." })
  declare readonly reason?: StockReason | null;

  @Field(() => String, {
    nullable: true,
    description: "Your document, as text or URI: up to 255 characters on one line.",
  })
  declare readonly reference?: string | null;

  @Field(() => String, { nullable: true, description: "Whatever else there is to say: up to 1 000 characters." })
  declare readonly note?: string | null;
}
