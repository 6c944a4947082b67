import { Field, ID, Int, ObjectType } from "type-graphql";
import type { StockAction, StockReason } from "../inventory/actions.ts";
import type { StockTransaction as StockTransactionData } from "../inventory/stock-transaction.ts";
import { DateTime } from "./date-time.ts";
import { StockActionEnum, StockReasonEnum } from "./enums.ts";

/** One line of the ledger; `stock` is resolved in stock-transaction-fields.ts. */
@ObjectType({
  description:
    "One accepted change to one product's stock. It is never changed and never deleted; a mistake is put right by an opposite one.",
  simpleResolvers: true,
})
export class StockTransaction implements StockTransactionData {
  @Field(() => ID, { description: "A UUID, version 7." })
  readonly id!: string;

  @Field(() => ID, { description: "The product whose stock was changed." })
  readonly productId!: string;

  @Field(() => StockActionEnum, { description: "What was done." })
  readonly action!: StockAction;

  @Field(() => Int, { description: "Of how many units: 1 … 2 147 483 647; 0 only where tracking began with none." })
  readonly quantity!: number;

  @Field(() => Int, { description: "The available units right after it: an audit needs no replay." })
  readonly availableAfter!: number;

  @Field(() => Int, { description: "The allocated units right after it." })
  readonly allocatedAfter!: number;

  @Field(() => Int, {
    description: "The stock's version right after it: 1 for a product's first, and no gap from there.",
  })
  readonly version!: number;

  @Field(() => StockReasonEnum, { nullable: true, description: "Why, if the caller said so." })
  readonly reason!: StockReason | null;

  @Field(() => String, {
    nullable: true,
    description: "The caller's document: a purchase order, an order, a ticket; up to 255 characters, as text or URI.",
  })
  readonly reference!: string | null;

  @Field(() => String, { nullable: true, description: "Whatever else the caller had to say: up to 1 000 characters." })
  readonly note!: string | null;

  @Field(() => String, { description: "Who did it: the API client of the access token." })
  readonly actor!: string;

  @Field(() => String, { nullable: true, description: "The idempotency key that the request carried." })
  readonly idempotencyKey!: string | null;

  @Field(() => DateTime, {
    description: "When it was accepted, by the database's clock. Never before the product's previous one.",
  })
  readonly createdAt!: Date;
}
