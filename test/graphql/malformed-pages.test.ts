import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;

beforeAll(async () => {
  server = await startGraphQLServer();
  await server.data(`mutation { createStockTransaction(productId: "a", action: INCREMENT, quantity: 1) { id } }`);
});

afterAll(async () => server.close());

interface PageArguments {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

const pageArguments = "$first: Int, $after: String, $last: Int, $before: String";
const passed = "first: $first, after: $after, last: $last, before: $before";

const refused = async (document: string, variables: object): Promise<unknown> =>
  (await server.graphql(document, variables)).errors?.[0]?.extensions;

describe("what is refused", () => {
  test.each<[string, PageArguments]>([
    ["first", { first: -1 }],
    ["first", { first: 101 }],
    ["last", { last: -1 }],
    ["last", { last: 101 }],
    ["last", { first: 1, last: 1 }],
    ["after", { after: "" }],
    ["after", { after: "made up" }],
    ["after", { after: "\u0000" }],
    ["after", { after: Buffer.from("null").toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID"]`).toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID",5]`).toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID","a\\u0000b"]`).toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID","\\ud800"]`).toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID","a","b"]`).toString("base64url") }],
    ["after", { after: Buffer.from(`["stocks:PRODUCT_ID", "a"]`).toString("base64url") }],
    ["after", { after: "x".repeat(100_000) }],
    ["before", { before: Buffer.from(`["stocks:AVAILABLE",1,"a"]`).toString("base64url") }],
  ])("BAD_USER_INPUT names %s (%#)", async (field, page) => {
    const extensions = await refused(`query (${pageArguments}) { stocks(${passed}) { nodes { productId } } }`, page);
    expect(extensions).toEqual({ code: "BAD_USER_INPUT", status: 400, field });
  });

  test.each([
    `["stocks:AVAILABLE",2147483648,"a"]`,
    `["stocks:AVAILABLE",-1,"a"]`,
    `["stocks:AVAILABLE",1.5,"a"]`,
    `["stocks:AVAILABLE","1","a"]`,
  ])("a made-up place among levels: %s", async (place) => {
    const document = `query ($after: String) { stocks(orderBy: AVAILABLE, after: $after) { nodes { productId } } }`;
    expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({
      field: "after",
    });
  });

  test.each([`["stocks:UPDATED_AT_DESC",1e300,"a"]`, `["stocks:UPDATED_AT_DESC",-99999999999999,"a"]`])(
    "a made-up instant: %s",
    async (place) => {
      const document = `query ($after: String) { stocks(orderBy: UPDATED_AT_DESC, after: $after) { nodes { productId } } }`;
      expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({
        field: "after",
      });
    },
  );

  test.each([
    `["stock-transactions:OLDEST_FIRST","9223372036854775808"]`,
    `["stock-transactions:OLDEST_FIRST","01"]`,
    `["stock-transactions:OLDEST_FIRST",1]`,
  ])("a made-up position: %s", async (place) => {
    const document = `query ($after: String) { stockTransactions(orderBy: OLDEST_FIRST, after: $after) { nodes { id } } }`;
    expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({
      field: "after",
    });
  });

  test("a cursor of another order", async () => {
    const { stockTransactions } = await server.data(`{ stockTransactions { pageInfo { endCursor } } }`);
    const after = stockTransactions.pageInfo.endCursor;
    const document = `query ($after: String) { stockTransactions(orderBy: OLDEST_FIRST, after: $after) { nodes { id } } }`;
    expect(await refused(document, { after })).toEqual({ code: "BAD_USER_INPUT", status: 400, field: "after" });
  });

  test("filters that are too long or that no column can hold", async () => {
    const document = `query ($filter: StockTransactionFilter) { stockTransactions(filter: $filter) { nodes { id } } }`;
    const tooMany = Array.from({ length: 1001 }, (_, index) => `p${index}`);
    for (const [field, filter] of [
      ["filter.productIds", { productIds: tooMany }],
      ["productId", { productIds: [""] }],
      ["filter.actors", { actors: tooMany.slice(0, 101) }],
      ["filter.actors", { actors: ["\u0000"] }],
      ["filter.actions", { actions: tooMany.slice(0, 101).map(() => "CREATE") }],
      ["filter.reference", { reference: "\u0000" }],
    ])
      expect(await refused(document, { filter })).toEqual({ code: "BAD_USER_INPUT", status: 400, field });
    const stocksDocument = `query ($filter: StockFilter) { stocks(filter: $filter) { nodes { productId } } }`;
    expect(await refused(stocksDocument, { filter: { productIdPrefix: "\u0000" } })).toMatchObject({
      field: "filter.productIdPrefix",
    });
    expect(await server.data(stocksDocument, { filter: { productIdPrefix: "%" } })).toEqual({ stocks: { nodes: [] } });
  });
});
