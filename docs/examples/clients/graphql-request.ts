import { ClientError, GraphQLClient } from "graphql-request";
import { MoveStockDocument, MoveStocksDocument, StockDocument } from "./generated/operations.ts";
import type { StockLevelsFragment, MoveStocksMutation, MoveStocksMutationVariables } from "./generated/operations.ts";
import { settle } from "./intent.ts";
import type { Failure, Intent, Outcome } from "./intent.ts";

/** @param fetch the authorized one */
export function createClient(url: string, fetch: typeof globalThis.fetch): GraphQLClient {
  return new GraphQLClient(`${url}/graphql`, { fetch });
}

export async function readStock(client: GraphQLClient, productId: string): Promise<StockLevelsFragment | null> {
  return (await client.request(StockDocument, { productId })).stock;
}

export function moveStock(client: GraphQLClient, intent: Intent): Promise<Outcome> {
  return settle(() => client.request(MoveStockDocument, intent), failureOf);
}

/** One result a line, in their order: what was done, or in `error` why not. Each line has a key of its own. */
export async function moveStocks(
  client: GraphQLClient,
  transactions: readonly Intent[],
  policy: MoveStocksMutationVariables["policy"],
): Promise<MoveStocksMutation["createStockTransactions"]> {
  return (await client.request(MoveStocksDocument, { transactions: [...transactions], policy }))
    .createStockTransactions;
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ClientError)) return { errors: [], status: null };
  return { errors: error.response.errors ?? [], status: error.response.status };
}
