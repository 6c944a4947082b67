import { GraphQLError } from "graphql";
import { Args, ArgsType, Field, ID, Resolver, Root, Subscription } from "type-graphql";
import type { LedgerEntry } from "../inventory/ledger.ts";
import { StockTransactionEdge } from "./connections.ts";
import { authorize } from "./context.ts";
import type { GraphQLContext } from "./context.ts";
import { parseProductIds } from "./stock-transaction-filter.ts";

@ArgsType()
class StockTransactionCreatedArgs {
  @Field(() => [ID], {
    nullable: true,
    description:
      "Only what happens to these products, at most 1 000; of an empty list, nothing. All products where it is not given.",
  })
  declare readonly productIds?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The cursor of the last one seen, from here or from `stockTransactions(orderBy: OLDEST_FIRST)`: first comes all that was accepted " +
      "since. Without it, what is accepted from now on.",
  })
  declare readonly after?: string | null;
}

/** What can be followed. All of it needs the scope inventory:read. */
@Resolver()
export class StockTransactionSubscriptions {
  @Subscription(() => StockTransactionEdge, {
    description:
      "Every accepted stock transaction, once, in version order for each product and with no gap, whichever gateway of the installation " +
      "accepted it. Keep the last cursor: when the stream breaks, subscribe again with it as `after`, and nothing is missed or repeated. " +
      "Over WebSocket (graphql-ws) or server-sent events (graphql-sse) at this address. Needs the scope inventory:read.",
    subscribe: ({ args, context }: { args: StockTransactionCreatedArgs; context: GraphQLContext }) =>
      watch(args, context),
  })
  stockTransactionCreated(
    @Root() entry: LedgerEntry | undefined,
    @Args(() => StockTransactionCreatedArgs) _args: StockTransactionCreatedArgs,
  ): StockTransactionEdge {
    // graphql-js executes a subscription like a query where it is not subscribed to.
    if (entry === undefined) throw streamNeeded();
    return entry;
  }
}

async function watch(
  { productIds, after }: StockTransactionCreatedArgs,
  context: GraphQLContext,
): Promise<AsyncIterableIterator<LedgerEntry>> {
  const { clientId } = authorize(context, "inventory:read");
  if (context.stream === null) throw streamNeeded();
  const { feed, signal } = context.stream;
  return feed.watch({
    clientId,
    productIds: productIds == null ? null : new Set(parseProductIds("productIds", productIds)),
    after: after ?? null,
    signal,
  });
}

function streamNeeded(): GraphQLError {
  return new GraphQLError("Subscribe over WebSocket (graphql-transport-ws) or with Accept: text/event-stream", {
    extensions: { code: "BAD_USER_INPUT", status: 400 },
  });
}
