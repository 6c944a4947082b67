import { Arg, Args, ArgsType, Ctx, Field, ID, Query, Resolver } from "type-graphql";
import { InvalidInputError } from "../inventory/errors.ts";
import { parseProductId } from "../inventory/input.ts";
import type { StockOrder } from "../inventory/queries.ts";
import type { Stock as StockData } from "../inventory/stock.ts";
import { StockConnection, toConnection } from "./connections.ts";
import { authorize } from "./context.ts";
import type { GraphQLContext } from "./context.ts";
import { DateTime } from "./date-time.ts";
import { StockOrderEnum } from "./enums.ts";
import { PagingArgs, toPageRequest } from "./paging.ts";
import { Stock } from "./stock.ts";
import { StockFilterInput, toStockFilter } from "./stock-filter.ts";

const productIdsMax = 1_000;

@ArgsType()
class StockArgs {
  @Field(() => ID, { description: "The product." })
  declare readonly productId: string;

  @Field(() => DateTime, {
    nullable: true,
    description: "As it stood at this instant, if you give one, right after the last change up to then.",
  })
  declare readonly at?: Date | null;
}

@ArgsType()
class StocksArgs extends PagingArgs {
  @Field(() => StockFilterInput, { nullable: true, description: "Which ones; all of them without it." })
  declare readonly filter?: StockFilterInput | null;

  @Field(() => StockOrderEnum, { nullable: true, defaultValue: "PRODUCT_ID", description: "In which order." })
  declare readonly orderBy?: StockOrder | null;
}

/** What can be asked about stock. All of it needs the scope inventory:read. */
@Resolver()
export class StockQueries {
  @Query(() => Stock, {
    nullable: true,
    description:
      "The stock of one product; null when it is not tracked, or was not at the instant given. Needs the scope inventory:read. " +
      "A malformed productId: BAD_USER_INPUT.",
  })
  async stock(
    @Args(() => StockArgs) { productId, at }: StockArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<StockData | null> {
    authorize(context, "inventory:read");
    const checkedId = parseProductId(productId);
    return at == null ? context.loaders.stock.load(checkedId) : context.queries.findStockAt(checkedId, at);
  }

  @Query(() => [Stock], {
    nullable: "items",
    description:
      "The stocks of up to 1 000 products, in the order asked; null where a product is not tracked. Needs the scope inventory:read.",
  })
  async stocksByProductId(
    @Arg("productIds", () => [ID], {
      description: "The products; more than 1 000, or a malformed one: BAD_USER_INPUT.",
    })
    productIds: string[],
    @Ctx() context: GraphQLContext,
  ): Promise<readonly (StockData | null)[]> {
    authorize(context, "inventory:read");
    if (productIds.length > productIdsMax)
      throw new InvalidInputError("productIds", `productIds has more than ${productIdsMax} ids`);
    return context.queries.findStocks(productIds.map((productId) => parseProductId(productId)));
  }

  @Query(() => StockConnection, {
    description:
      "The stock of all tracked products, page by page. Needs the scope inventory:read. A page size out of range, or a cursor of another " +
      "list or order: BAD_USER_INPUT.",
  })
  async stocks(@Args(() => StocksArgs) args: StocksArgs, @Ctx() context: GraphQLContext): Promise<StockConnection> {
    authorize(context, "inventory:read");
    const filter = toStockFilter(args.filter);
    const page = await context.queries.listStocks({
      filter,
      orderBy: args.orderBy ?? "PRODUCT_ID",
      page: toPageRequest(args),
    });
    return toConnection(page, () => context.queries.countStocks(filter));
  }
}
