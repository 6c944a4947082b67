import { Directive, Field, ID, Int, ObjectType } from "type-graphql";
import type { Stock as StockData } from "../inventory/stock.ts";
import { DateTime } from "./date-time.ts";

/** The stock of one product; `total` and `transactions` are resolved in stock-fields.ts. */
@Directive('@key(fields: "productId")')
@ObjectType({
  description:
    "The stock of one product, in whole units. total = available + allocated, always; none of the three is ever negative or above " +
    "2 147 483 647.",
  simpleResolvers: true,
})
export class Stock implements StockData {
  @Field(() => ID, { description: "The product, by the id that the shop gave it: 1 … 255 characters." })
  readonly productId!: string;

  @Field(() => Int, { description: "Units that can be sold or set aside: 0 … 2 147 483 647." })
  readonly available!: number;

  @Field(() => Int, { description: "Units set aside for orders or resellers: 0 … 2 147 483 647." })
  readonly allocated!: number;

  @Field(() => Int, {
    description:
      "How many stock transactions the product has had. It grows by exactly 1 with each and never falls, not even when tracking " +
      "stops and starts again. Give it as `expectedVersion` to change only what you have seen.",
  })
  readonly version!: number;

  @Field(() => DateTime, { description: "When tracking began, the last time it did." })
  readonly createdAt!: Date;

  @Field(() => DateTime, { description: "When the last stock transaction was accepted." })
  readonly updatedAt!: Date;
}
