import { Field, ID, Int, ObjectType } from "type-graphql";
import type { StockAction } from "../inventory/actions.ts";
import { refusalCatalogue } from "../inventory/errors.ts";
import type { Refusal, StockErrorCode } from "../inventory/errors.ts";
import { StockActionEnum, StockErrorCodeEnum } from "./enums.ts";

/** How a refusal reads, in a batch as data and in `errors[].extensions` with the same fields. */
@ObjectType({
  description:
    "Why a request was refused. A line of a batch carries it as data; for a mutation of its own the same fields stand in " +
    "`errors[].extensions`, with `message` for `detail`.",
  simpleResolvers: true,
})
export class StockError implements Refusal {
  @Field(() => StockErrorCodeEnum, {
    description: "Which rule refused it. Tell refusals apart by this, not by their texts.",
  })
  readonly code!: StockErrorCode;

  @Field(() => Int, { description: "The HTTP status that says the same over REST: 404, 409, 422 or 424." })
  readonly status!: number;

  @Field(() => String, { description: "The kind of refusal in a few words, as the REST API titles it." })
  readonly title!: string;

  @Field(() => String, { description: "What is the matter, for people." })
  readonly detail!: string;

  @Field(() => ID, { nullable: true, description: "The product it is about." })
  readonly productId!: string;

  @Field(() => StockActionEnum, { nullable: true, description: "The action asked for; null for a deletion." })
  readonly action!: StockAction | null;

  @Field(() => Int, { nullable: true, description: "The units asked for; null for a deletion." })
  readonly requested!: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "The available units that the refusal was decided on, read under the stock's lock; null where none were looked at or tracked. " +
      "In an all-or-nothing batch: as the lines before this one would have left them.",
  })
  readonly available!: number | null;

  @Field(() => Int, { nullable: true, description: "The allocated units, read with `available`." })
  readonly allocated!: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "The version that those levels belong to, read with `available`: outside all-or-nothing batches the current one; 0 for a product that never had stock, null where no stock was looked at.",
  })
  readonly version!: number | null;
}

/** A refusal with what the catalogue says of its code. */
export function toStockError(refusal: Refusal): StockError {
  const { status, title, detail } = refusalCatalogue[refusal.code];
  const { code, productId, action, requested, available, allocated, version } = refusal;
  return { code, status, title, detail, productId, action, requested, available, allocated, version };
}
