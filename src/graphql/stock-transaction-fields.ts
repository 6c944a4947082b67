import { Ctx, FieldResolver, Resolver, Root } from "type-graphql";
import type { Stock as StockData } from "../inventory/stock.ts";
import type { GraphQLContext } from "./context.ts";
import { Stock } from "./stock.ts";
import { StockTransaction } from "./stock-transaction.ts";

/** Fields of StockTransaction that are not stored with it. */
@Resolver(() => StockTransaction)
export class StockTransactionFields {
  @FieldResolver(() => Stock, {
    nullable: true,
    description: "The product's stock as it is now, not as it was then; null once the product is no longer tracked.",
  })
  stock(@Root() { productId }: StockTransaction, @Ctx() { loaders }: GraphQLContext): Promise<StockData | null> {
    return loaders.stock.load(productId);
  }
}
