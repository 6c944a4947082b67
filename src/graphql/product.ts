import { Ctx, Directive, Field, FieldResolver, ID, ObjectType, Resolver, Root } from "type-graphql";
import type { Stock as StockData } from "../inventory/stock.ts";
import type { GraphQLContext } from "./context.ts";
import { Stock } from "./stock.ts";

/** A product of the supergraph, of which this subgraph knows the stock and nothing else. */
@Directive('@key(fields: "id")')
@ObjectType({
  description: "A product, as the catalogue's subgraph knows it. Here it has its stock.",
  simpleResolvers: true,
})
export class Product {
  @Field(() => ID, { description: "Its id, the `productId` of its stock." })
  readonly id!: string;
}

/** What this subgraph adds to products. */
@Resolver(() => Product)
export class ProductFields {
  @FieldResolver(() => Stock, { nullable: true, description: "The product's stock; null when it is not tracked." })
  stock(@Root() { id }: Product, @Ctx() { loaders }: GraphQLContext): Promise<StockData | null> {
    return loaders.stock.load(id);
  }
}
