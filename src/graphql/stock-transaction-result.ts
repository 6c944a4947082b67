import { Field, Int, ObjectType } from "type-graphql";
import type { StockTransactionOutcome } from "../inventory/stock-transaction.ts";
import { StockError, toStockError } from "./stock-error.ts";
import { StockTransaction } from "./stock-transaction.ts";

/** One line's outcome. */
@ObjectType({
  description: "What became of one request for a stock transaction: exactly one of `transaction` and `error` is set.",
  simpleResolvers: true,
})
export class StockTransactionResult {
  @Field(() => Int, {
    description: "The line's place in the batch, from 0. Always 0 where a single request was asked about.",
  })
  readonly index!: number;

  @Field(() => StockTransaction, { nullable: true, description: "The stock transaction, where it was accepted." })
  readonly transaction!: StockTransaction | null;

  @Field(() => StockError, {
    nullable: true,
    description: "The refusal, where there was one; nothing was changed then.",
  })
  readonly error!: StockError | null;

  @Field(() => Boolean, {
    description: "True when this is the outcome of an earlier request with the same idempotency key, answered again.",
  })
  readonly replayed!: boolean;
}

/** An outcome as the API shows it. */
export function toStockTransactionResult(outcome: StockTransactionOutcome, index: number): StockTransactionResult {
  return outcome.kind === "applied"
    ? { index, transaction: outcome.transaction, error: null, replayed: outcome.replayed }
    : { index, transaction: null, error: toStockError(outcome.refusal), replayed: outcome.replayed };
}
