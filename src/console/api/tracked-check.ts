import type { ApolloClient } from "@apollo/client";
import { useApolloClient } from "@apollo/client/react";
import { useEffect, useEffectEvent } from "react";
import { StockFieldsFragmentDoc, TrackedStocksDocument } from "../generated/operations.ts";

const checkEveryMs = 30_000;
/** The most that the gateway looks up at once; no window shows as many. */
const productsMax = 1_000;

/**
 * Takes away what is not tracked any more. The feed tells of stock transactions, and that tracking has stopped is none; so
 * the products in view are looked up again when the window gets the focus, and every half minute that it can be seen.
 */
export function useTrackedCheck(productsInView: () => readonly string[]): void {
  const client = useApolloClient();
  const check = useEffectEvent(() => {
    const productIds = productsInView().slice(0, productsMax);
    if (document.visibilityState !== "visible" || productIds.length === 0) return;
    // Where the gateway is away, the next time tells.
    void forgetUntracked(client, productIds).catch(() => undefined);
  });
  useEffect(() => {
    const timer = setInterval(() => check(), checkEveryMs);
    const onFocus = (): void => check();
    addEventListener("focus", onFocus);
    return () => {
      clearInterval(timer);
      removeEventListener("focus", onFocus);
    };
  }, []);
}

/** Takes those that are not tracked out of the cache, and so out of every list and page. */
async function forgetUntracked(client: ApolloClient, productIds: readonly string[]): Promise<void> {
  const before = productIds.map((productId) => versionOf(client, productId));
  const { data } = await client.query({
    query: TrackedStocksDocument,
    variables: { productIds: [...productIds] },
    fetchPolicy: "no-cache",
  });
  const stocks = data?.stocksByProductId ?? [];
  for (const [index, productId] of productIds.entries()) {
    // What the feed has told meanwhile is newer than the answer.
    if (stocks[index] === null && versionOf(client, productId) === before[index])
      client.cache.evict({ id: idOf(client, productId) });
  }
}

function versionOf(client: ApolloClient, productId: string): number | undefined {
  const fragment = { fragment: StockFieldsFragmentDoc, fragmentName: "StockFields" };
  return client.cache.readFragment({ ...fragment, id: idOf(client, productId) })?.version;
}

function idOf({ cache }: ApolloClient, productId: string): string {
  return cache.identify({ __typename: "Stock", productId }) ?? "";
}
