import { Directive, Field, FieldResolver, Int, ObjectType, Resolver, Root } from "type-graphql";
import type { Page } from "../inventory/queries.ts";
import { Stock } from "./stock.ts";
import { StockTransaction } from "./stock-transaction.ts";

@Directive("@shareable")
@ObjectType({ description: "Where a page stands in its list, and how to go on from it.", simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: "Whether items come after this page." })
  readonly hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether items come before this page." })
  readonly hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The cursor of the page's first item; null on an empty page." })
  readonly startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The cursor of the page's last item; null on an empty page. Give it as `after`.",
  })
  readonly endCursor!: string | null;
}

@ObjectType({ description: "One stock in a list, with its place there.", simpleResolvers: true })
export class StockEdge {
  @Field(() => String, {
    description: "The place in this list and order, as opaque text: good for `after` and `before`.",
  })
  readonly cursor!: string;

  @Field(() => Stock, { description: "The stock." })
  readonly node!: Stock;
}

@ObjectType({ description: "One page of a list of stocks.", simpleResolvers: true })
export class StockConnection {
  @Field(() => [StockEdge], { description: "The page's items with their cursors, in the list's order." })
  readonly edges!: readonly StockEdge[];

  @Field(() => [Stock], { description: "The same items without cursors." })
  readonly nodes!: readonly Stock[];

  @Field(() => PageInfo, { description: "Where the page stands." })
  readonly pageInfo!: PageInfo;

  /** No field: what {@link StockConnectionFields} answers with. */
  readonly countAll!: () => Promise<number>;
}

@ObjectType({ description: "One stock transaction in a list, with its place there.", simpleResolvers: true })
export class StockTransactionEdge {
  @Field(() => String, {
    description: "The place in this list and order, as opaque text: good for `after` and `before`.",
  })
  readonly cursor!: string;

  @Field(() => StockTransaction, { description: "The stock transaction." })
  readonly node!: StockTransaction;
}

@ObjectType({ description: "One page of a list of stock transactions.", simpleResolvers: true })
export class StockTransactionConnection {
  @Field(() => [StockTransactionEdge], { description: "The page's items with their cursors, in the list's order." })
  readonly edges!: readonly StockTransactionEdge[];

  @Field(() => [StockTransaction], { description: "The same items without cursors." })
  readonly nodes!: readonly StockTransaction[];

  @Field(() => PageInfo, { description: "Where the page stands." })
  readonly pageInfo!: PageInfo;

  /** No field: what {@link StockTransactionConnectionFields} answers with. */
  readonly countAll!: () => Promise<number>;
}

const totalCountDescription =
  "How many items match the filter on all pages. Counted only where you ask for it, and not for free.";

@Resolver(() => StockConnection)
export class StockConnectionFields {
  @FieldResolver(() => Int, { description: totalCountDescription })
  totalCount(@Root() { countAll }: StockConnection): Promise<number> {
    return countAll();
  }
}

@Resolver(() => StockTransactionConnection)
export class StockTransactionConnectionFields {
  @FieldResolver(() => Int, { description: totalCountDescription })
  totalCount(@Root() { countAll }: StockTransactionConnection): Promise<number> {
    return countAll();
  }
}

/** One page as the API shows it: both connections have this shape. */
interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
  readonly countAll: () => Promise<number>;
}

/** @param countAll called only where `totalCount` is selected */
export function toConnection<T>(page: Page<T>, countAll: () => Promise<number>): Connection<T> {
  const { items, hasNextPage, hasPreviousPage } = page;
  return {
    edges: items,
    nodes: items.map(({ node }) => node),
    pageInfo: {
      hasNextPage,
      hasPreviousPage,
      startCursor: items[0]?.cursor ?? null,
      endCursor: items.at(-1)?.cursor ?? null,
    },
    countAll,
  };
}
