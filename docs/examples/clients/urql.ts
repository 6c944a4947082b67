import { cacheExchange, Client, CombinedError, fetchExchange } from "@urql/core";
import { MoveStockDocument, StockDocument } from "./generated/operations.ts";
import type { StockLevelsFragment, MoveStockMutation } from "./generated/operations.ts";
import { settle } from "./intent.ts";
import type { Failure, Intent, Outcome } from "./intent.ts";

/** @param fetch the authorized one */
export function createClient(url: string, fetch: typeof globalThis.fetch): Client {
  return new Client({
    url: `${url}/graphql`,
    fetch,
    preferGetMethod: false,
    // A mutation that answers with `stock` has every query asked again that shows one.
    exchanges: [cacheExchange, fetchExchange],
  });
}

export async function readStock(client: Client, productId: string): Promise<StockLevelsFragment | null> {
  const { data, error } = await client.query(StockDocument, { productId }).toPromise();
  if (error !== undefined) throw error;
  return data?.stock ?? null;
}

export function moveStock(client: Client, intent: Intent): Promise<Outcome> {
  const send = async (): Promise<MoveStockMutation> => {
    const { data, error } = await client.mutation(MoveStockDocument, intent).toPromise();
    if (data == null) throw error ?? new Error("The answer has neither data nor errors");
    return data;
  };
  return settle(send, failureOf);
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof CombinedError)) throw error;
  const response = error.response as Response | undefined;
  return { errors: error.graphQLErrors, status: response?.status ?? null };
}
