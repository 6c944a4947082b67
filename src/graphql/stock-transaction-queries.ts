import { Arg, Args, Ctx, ID, Query, Resolver } from "type-graphql";
import { parseIdempotencyKey } from "../inventory/input.ts";
import type { StockTransaction as StockTransactionData } from "../inventory/stock-transaction.ts";
import { StockTransactionConnection, toConnection } from "./connections.ts";
import { authorize } from "./context.ts";
import type { GraphQLContext } from "./context.ts";
import { toPageRequest } from "./paging.ts";
import { StockTransactionsArgs } from "./stock-fields.ts";
import { StockTransaction } from "./stock-transaction.ts";
import { toStockTransactionFilter } from "./stock-transaction-filter.ts";
import { StockTransactionResult, toStockTransactionResult } from "./stock-transaction-result.ts";

/** What can be asked about the ledger. All of it needs the scope inventory:read. */
@Resolver()
export class StockTransactionQueries {
  @Query(() => StockTransaction, {
    nullable: true,
    description: "One stock transaction; null where the id is none. Needs the scope inventory:read.",
  })
  async stockTransaction(
    @Arg("id", () => ID, { description: "Its id, a UUID." }) id: string,
    @Ctx() context: GraphQLContext,
  ): Promise<StockTransactionData | null> {
    authorize(context, "inventory:read");
    const [transaction] = await context.queries.findStockTransactions([id]);
    return transaction ?? null;
  }

  @Query(() => StockTransactionConnection, {
    description:
      "The ledger over all products, page by page. OLDEST_FIRST is the order of a feed: keep the last cursor, ask again with it as " +
      "`after`, and you miss nothing. Needs the scope inventory:read. A page size out of range, or a cursor of another list or order: BAD_USER_INPUT.",
  })
  async stockTransactions(
    @Args(() => StockTransactionsArgs) args: StockTransactionsArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<StockTransactionConnection> {
    authorize(context, "inventory:read");
    const filter = toStockTransactionFilter(args.filter);
    const page = await context.queries.listStockTransactions({
      filter,
      orderBy: args.orderBy ?? "NEWEST_FIRST",
      page: toPageRequest(args),
    });
    return toConnection(page, () => context.queries.countStockTransactions(filter));
  }

  @Query(() => StockTransactionResult, {
    nullable: true,
    description:
      "What became of a request whose answer was lost: the stock transaction, or the refusal, that its idempotency key was spent on; " +
      "null when the key was never spent, so that the request may be sent again. Keys belong to the API client that sent them: those " +
      "of others are not found. Needs the scope inventory:read.",
  })
  async stockTransactionByIdempotencyKey(
    @Arg("idempotencyKey", () => String, {
      description: "The key: 1 … 255 printable ASCII characters, no space at either end.",
    })
    idempotencyKey: string,
    @Ctx() context: GraphQLContext,
  ): Promise<StockTransactionResult | null> {
    const { clientId } = authorize(context, "inventory:read");
    const outcome = await context.queries.findOutcome(clientId, parseIdempotencyKey(idempotencyKey));
    return outcome === null ? null : toStockTransactionResult(outcome, 0);
  }
}
