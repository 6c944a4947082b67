import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors, ServerError } from "@apollo/client/errors";
import { MoveStockDocument, StockDocument } from "./generated/operations.ts";
import type { StockLevelsFragment, MoveStockMutation } from "./generated/operations.ts";
import { settle } from "./intent.ts";
import type { Failure, Intent, Outcome } from "./intent.ts";

/** @param fetch the authorized one */
export function createClient(url: string, fetch: typeof globalThis.fetch): ApolloClient {
  return new ApolloClient({
    link: new HttpLink({ uri: `${url}/graphql`, fetch }),
    // One entry for each product: a mutation that answers with `stock` updates whatever shows it.
    cache: new InMemoryCache({ typePolicies: { Stock: { keyFields: ["productId"] } } }),
  });
}

export async function readStock(client: ApolloClient, productId: string): Promise<StockLevelsFragment | null> {
  const { data } = await client.query({ query: StockDocument, variables: { productId } });
  return data?.stock ?? null;
}

export function moveStock(client: ApolloClient, intent: Intent): Promise<Outcome> {
  const send = async (): Promise<MoveStockMutation> => {
    const { data } = await client.mutate({ mutation: MoveStockDocument, variables: intent });
    if (data === undefined) throw new Error("The answer has neither data nor errors");
    return data;
  };
  return settle(send, failureOf);
}

function failureOf(error: unknown): Failure {
  if (CombinedGraphQLErrors.is(error)) return { errors: error.errors, status: 200 };
  return { errors: [], status: ServerError.is(error) ? error.statusCode : null };
}
