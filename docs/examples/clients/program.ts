import { authorizedFetch, requestToken } from "./access-token.ts";
import { createClient, moveStock } from "./apollo-client.ts";
import { StockAction, StockErrorCode } from "./generated/operations.ts";
import { newIntent } from "./intent.ts";

/** Sets two shirts aside for an order. @returns what to tell the person who asked for it */
export async function setAside(url: string, clientId: string, clientSecret: string): Promise<string> {
  const client = createClient(
    url,
    authorizedFetch(() => requestToken(url, clientId, clientSecret)),
  );
  const intent = newIntent({
    productId: "shirt-m",
    action: StockAction.Allocate,
    quantity: 2,
    reference: "order 4711",
  });
  const { transaction, refusal } = await moveStock(client, intent);
  if (refusal === null) return `Two are set aside, ${transaction.availableAfter} are left`;
  if (refusal.code !== StockErrorCode.InsufficientStock) return refusal.detail;
  return `There are ${refusal.available}, not ${refusal.requested}`;
}
