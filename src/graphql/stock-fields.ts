import { Args, ArgsType, Ctx, Field, FieldResolver, Int, Resolver, Root } from "type-graphql";
import type { StockTransactionOrder } from "../inventory/queries.ts";
import { totalOf } from "../inventory/stock.ts";
import { StockTransactionConnection, toConnection } from "./connections.ts";
import type { GraphQLContext } from "./context.ts";
import { StockTransactionOrderEnum } from "./enums.ts";
import { PagingArgs, toPageRequest } from "./paging.ts";
import { Stock } from "./stock.ts";
import { StockTransactionFilterInput, toStockTransactionFilter } from "./stock-transaction-filter.ts";

/** The arguments of every list of stock transactions. */
@ArgsType()
export class StockTransactionsArgs extends PagingArgs {
  @Field(() => StockTransactionFilterInput, { nullable: true, description: "Which ones; all of them without it." })
  declare readonly filter?: StockTransactionFilterInput | null;

  @Field(() => StockTransactionOrderEnum, {
    nullable: true,
    defaultValue: "NEWEST_FIRST",
    description: "In which order.",
  })
  declare readonly orderBy?: StockTransactionOrder | null;
}

/** Fields of Stock that are not stored with it. */
@Resolver(() => Stock)
export class StockFields {
  @FieldResolver(() => Int, { description: "available + allocated: the units of the product wherever they are." })
  total(@Root() stock: Stock): number {
    return totalOf(stock);
  }

  @FieldResolver(() => StockTransactionConnection, {
    description: "The product's history, ordered by version. It goes back to before the last time tracking began.",
  })
  async transactions(
    @Root() { productId }: Stock,
    @Args(() => StockTransactionsArgs) args: StockTransactionsArgs,
    @Ctx() { loaders }: GraphQLContext,
  ): Promise<StockTransactionConnection> {
    const filter = toStockTransactionFilter(args.filter);
    const page = await loaders.history.load({
      productId,
      question: { filter, orderBy: args.orderBy ?? "NEWEST_FIRST", page: toPageRequest(args) },
    });
    return toConnection(page, () => loaders.historyCount.load({ productId, question: filter }));
  }
}
