import type { GraphQLResolveInfo } from "graphql";
import { Args, ArgsType, Ctx, Field, ID, Info, Int, Mutation, Resolver } from "type-graphql";
import type { BatchPolicy } from "../inventory/commands.ts";
import { batchLinesMax } from "../inventory/commands.ts";
import { InvalidInputError, StockError } from "../inventory/errors.ts";
import { parseExpectedVersion, parseProductId, parseStockTransactionInput } from "../inventory/input.ts";
import type { StockTransaction as StockTransactionData } from "../inventory/stock-transaction.ts";
import type { Stock as StockData } from "../inventory/stock.ts";
import { authorize } from "./context.ts";
import type { GraphQLContext } from "./context.ts";
import { BatchPolicyEnum } from "./enums.ts";
import { countRootFields } from "./root-selections.ts";
import { Stock } from "./stock.ts";
import { StockTransaction } from "./stock-transaction.ts";
import { StockTransactionInput } from "./stock-transaction-input.ts";
import { StockTransactionResult, toStockTransactionResult } from "./stock-transaction-result.ts";

@ArgsType()
class CreateStockTransactionsArgs {
  @Field(() => [StockTransactionInput], {
    description: "The lines, 1 … 1 000; those on the same product are applied in the order given.",
  })
  declare readonly transactions: StockTransactionInput[];

  @Field(() => BatchPolicyEnum, {
    defaultValue: "ALL_OR_NOTHING",
    description: "What one refused line means for the others.",
  })
  declare readonly policy: BatchPolicy;
}

@ArgsType()
class DeleteStockArgs {
  @Field(() => ID, { description: "The product." })
  declare readonly productId: string;

  @Field(() => Int, { nullable: true, description: "Only if the stock's version is this one, else STALE_VERSION." })
  declare readonly expectedVersion?: number | null;
}

/** What an administrator can do to stock. All of it needs the scope inventory:write, and nothing more for what is selected. */
@Resolver()
export class StockMutations {
  @Mutation(() => StockTransaction, {
    description:
      "Applies one stock transaction, and answers once it is durable. A refusal is an entry of `errors` whose `extensions` carry the " +
      "fields of StockError (insufficient stock: code INSUFFICIENT_STOCK, status 422) and `replayed`; a malformed value is " +
      "BAD_USER_INPUT (400) with its `field`. SERVICE_UNAVAILABLE (503) says by `outcome` whether the request may be sent again: " +
      "`not applied`, or `unknown`: then its idempotency key tells. The request header Idempotency-Key counts as `idempotencyKey` " +
      "where the operation has no other mutation, and is refused where it has; an answer given before comes with the response header " +
      "`Idempotent-Replayed: true`. Needs the scope inventory:write.",
  })
  async createStockTransaction(
    @Args(() => StockTransactionInput) args: StockTransactionInput,
    @Ctx() context: GraphQLContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<StockTransactionData> {
    const { clientId } = authorize(context, "inventory:write");
    const idempotencyKey = idempotencyKeyOf(args, context, info);
    const { productId, action, quantity, expectedVersion, reason, reference, note } = args;
    const input = parseStockTransactionInput({
      productId,
      action,
      quantity,
      idempotencyKey,
      expectedVersion,
      reason,
      reference,
      note,
    });
    try {
      const { transaction, replayed } = await context.inventory.createStockTransaction(clientId, input);
      if (replayed) markReplayed(context);
      return transaction;
    } catch (error) {
      if (error instanceof StockError && error.replayed) markReplayed(context);
      throw error;
    }
  }

  @Mutation(() => [StockTransactionResult], {
    description:
      "Applies 1 … 1 000 stock transactions in one go and answers with one result a line, in their order. A refused line is a result " +
      "with `error`, never an entry of `errors`. A malformed line (quantity 0, say) refuses the whole request with BAD_USER_INPUT, its " +
      "`field` and its `index`. Idempotency keys go with the lines: with an Idempotency-Key header the request is refused. Needs the " +
      "scope inventory:write.",
  })
  async createStockTransactions(
    @Args(() => CreateStockTransactionsArgs) { transactions, policy }: CreateStockTransactionsArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<StockTransactionResult[]> {
    const { clientId } = authorize(context, "inventory:write");
    refuseKeyHeader(context, "A batch takes idempotency keys with its lines, not in the Idempotency-Key header");
    if (transactions.length > batchLinesMax)
      throw new InvalidInputError("transactions", `a batch has to have 1 to ${batchLinesMax} lines`);
    const inputs = transactions.map((line, index) => parseStockTransactionInput(line, index));
    const outcomes = await context.inventory.createStockTransactions(clientId, inputs, policy);
    return outcomes.map(toStockTransactionResult);
  }

  @Mutation(() => Stock, {
    description:
      "Stops tracking a product, and answers with its last levels. Available units are written off; while units are allocated it is " +
      "refused with STOCK_STILL_ALLOCATED (422). Its history stays, and if tracking starts again its version goes on where it " +
      "stopped. Not tracked: STOCK_NOT_FOUND (404). Needs the scope inventory:write.",
  })
  async deleteStock(
    @Args(() => DeleteStockArgs) { productId, expectedVersion }: DeleteStockArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<StockData> {
    const { clientId } = authorize(context, "inventory:write");
    refuseKeyHeader(context, "deleteStock takes expectedVersion, and no Idempotency-Key header");
    const checkedVersion = expectedVersion == null ? null : parseExpectedVersion(expectedVersion);
    return context.inventory.deleteStock(clientId, parseProductId(productId), checkedVersion);
  }
}

/**
 * The argument, or else the header; they may both be given and then have to be the same. Of several mutations a header would make
 * one: all but the first would be answered with its outcome.
 */
function idempotencyKeyOf(
  { idempotencyKey }: StockTransactionInput,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
): string | null {
  const argument = idempotencyKey ?? null;
  const header = context.idempotencyKey;
  if (header === null) return argument;
  if (countRootFields(info) > 1)
    throw new InvalidInputError(
      "idempotencyKey",
      "Several mutations take an `idempotencyKey` argument each, not the Idempotency-Key header",
    );
  if (argument !== null && argument !== header)
    throw new InvalidInputError("idempotencyKey", "idempotencyKey is not the key of the Idempotency-Key header");
  return header;
}

/** Ignored, a key would leave a caller believing that the request is safe to send again. */
function refuseKeyHeader(context: GraphQLContext, message: string): void {
  if (context.idempotencyKey !== null) throw new InvalidInputError("idempotencyKey", message);
}

function markReplayed(context: GraphQLContext): void {
  context.setResponseHeader("Idempotent-Replayed", "true");
}
