import "reflect-metadata";
import type { GraphQLObjectType, GraphQLSchema } from "graphql";
import { buildSchemaSync } from "type-graphql";
import type { PubSub } from "type-graphql";
import { StockConnectionFields, StockTransactionConnectionFields } from "./connections.ts";
import { EntitiesQuery, ServiceQuery } from "./federation.ts";
import { ProductFields } from "./product.ts";
import { StockFields } from "./stock-fields.ts";
import { StockMutations } from "./stock-mutations.ts";
import { StockQueries } from "./stock-queries.ts";
import { StockTransactionFields } from "./stock-transaction-fields.ts";
import { StockTransactionQueries } from "./stock-transaction-queries.ts";
import { StockTransactionSubscriptions } from "./stock-transaction-subscriptions.ts";

export interface SchemaOptions {
  /** Whether it is a subgraph's: see docs/federation.md. */
  readonly federation: boolean;
  /** Whether nobody may see it: a subgraph then doesn't describe itself. */
  readonly isHidden: boolean;
}

/** Builds the schema from the decorated classes. Values are checked by the domain, so that both transports agree. */
export function createSchema({ federation, isHidden }: SchemaOptions): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      StockQueries,
      StockTransactionQueries,
      StockMutations,
      StockFields,
      StockTransactionFields,
      StockConnectionFields,
      StockTransactionConnectionFields,
      StockTransactionSubscriptions,
      ...(federation ? [EntitiesQuery, ProductFields] : []),
      ...(federation && !isHidden ? [ServiceQuery] : []),
    ],
    validate: false,
    pubSub: noPubSub,
  });
  // TypeGraphQL has no place for these.
  describe(schema.getQueryType(), "What can be asked. Nothing here changes anything.");
  describe(
    schema.getMutationType(),
    "What can be done to stock. Fields of one document are carried out one after another, in the order given.",
  );
  describe(schema.getSubscriptionType(), "What can be followed live, over WebSocket or server-sent events.");
  return schema;
}

/** TypeGraphQL wants one, though the subscription brings a source of its own. */
const noPubSub: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error("Subscriptions are fed by the ledger");
  },
};

function describe(type: GraphQLObjectType | null | undefined, description: string): void {
  if (type != null) type.description = description;
}
