import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { MoveStockDocument, StockAction, StockWithHistoryDocument } from "./generated/operations.ts";
import { newProduct, startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
});

afterAll(async () => server.close());

/** As a frontend's client is typed: variables and answer follow from the document. */
async function execute<Data, Variables extends object>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  return (await server.data(print(document), variables)) as Data;
}

test("operations generated from schema.graphql are accepted by the server and answered as their types say", async () => {
  const productId = newProduct();
  const moved = await execute(MoveStockDocument, { productId, action: StockAction.Increment, quantity: 12 });
  const levels = { productId, available: 12, allocated: 0, total: 12, version: 1 };
  expect(moved).toEqual({
    createStockTransaction: { id: expect.any(String), createdAt: expect.any(String), stock: levels },
  });
  const { stock } = await execute(StockWithHistoryDocument, { productId, last: 3 });
  expect(stock).toEqual({
    ...levels,
    transactions: { nodes: [{ action: StockAction.Increment, quantity: 12, reason: null, version: 1 }] },
  });
});
