import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;
const products = Array.from({ length: 23 }, (_, index) => `p${String(index).padStart(2, "0")}`);
const ids = [...products, "Zebra", "ä", "\u{1F600}", "z"];

beforeAll(async () => {
  server = await startGraphQLServer();
  // Few different levels and instants, so that every order has ties to break.
  for (let start = 0; start < ids.length; start += 9) {
    const transactions = ids.slice(start, start + 9).flatMap((productId, index) => [
      { productId, action: "INCREMENT", quantity: 10 + (index % 3), reason: "RECEIVED" },
      { productId, action: "ALLOCATE", quantity: 1 + (index % 2), reference: `order ${productId}` },
    ]);
    await server.data(batch, { transactions });
  }
  await server.data(batch, {
    transactions: Array.from({ length: 12 }, (_, index) => ({ productId: "p00", action: index % 2 ? "DECREMENT" : "INCREMENT", quantity: 1 })),
  });
  await server.data(batch, { transactions: [{ productId: "gone", action: "INCREMENT", quantity: 5 }] });
  await server.data(`mutation { deleteStock(productId: "gone") { version } }`);
});

afterAll(async () => await server.close());

const batch = `mutation ($transactions: [StockTransactionInput!]!) { createStockTransactions(transactions: $transactions) { error { code } } }`;

interface Item {
  readonly cursor: string;
  readonly id: string;
}

interface PageArguments {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

interface PageAnswer {
  readonly items: readonly Item[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: number;
}

type List = (page: PageArguments) => Promise<PageAnswer>;

const pageArguments = "$first: Int, $after: String, $last: Int, $before: String";
const passed = "first: $first, after: $after, last: $last, before: $before";
const shape = (node: string): string => `{ edges { cursor node { ${node} } } nodes { ${node} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`;

async function read(document: string, page: object, pick: (data: GraphQLServer["data"] extends never ? never : any) => any, idOf: (node: any) => string) {
  const connection = pick(await server.data(document, page));
  expect(connection.nodes).toEqual(connection.edges.map(({ node }: { node: unknown }) => node));
  const items: Item[] = connection.edges.map(({ cursor, node }: { cursor: string; node: unknown }) => ({ cursor, id: idOf(node) }));
  expect(connection.pageInfo).toMatchObject({ startCursor: items[0]?.cursor ?? null, endCursor: items.at(-1)?.cursor ?? null });
  return { items, totalCount: connection.totalCount, ...connection.pageInfo };
}

const stocks =
  (orderBy: string, filter = ""): List =>
  (page) =>
    read(
      `query (${pageArguments}) { stocks(orderBy: ${orderBy}, filter: {${filter}}, ${passed}) ${shape("productId")} }`,
      page,
      (data) => data.stocks,
      (node) => node.productId,
    );

const transactions =
  (orderBy: string, filter = ""): List =>
  (page) =>
    read(
      `query (${pageArguments}) { stockTransactions(orderBy: ${orderBy}, filter: {${filter}}, ${passed}) ${shape("productId version")} }`,
      page,
      (data) => data.stockTransactions,
      (node) => `${node.productId} ${node.version}`,
    );

const history =
  (orderBy: string, filter = ""): List =>
  (page) =>
    read(
      `query (${pageArguments}) { stock(productId: "p00") { transactions(orderBy: ${orderBy}, filter: {${filter}}, ${passed}) ${shape("version")} } }`,
      page,
      (data) => data.stock.transactions,
      (node) => String(node.version),
    );

const lists: [string, List][] = [
  ["stocks by PRODUCT_ID", stocks("PRODUCT_ID")],
  ["stocks by AVAILABLE", stocks("AVAILABLE")],
  ["stocks by UPDATED_AT_DESC", stocks("UPDATED_AT_DESC")],
  ["stocks filtered", stocks("AVAILABLE", `productIdPrefix: "p", availableAtLeast: 9, availableAtMost: 10, allocatedAtLeast: 1`)],
  ["stock transactions, newest first", transactions("NEWEST_FIRST")],
  ["stock transactions, oldest first", transactions("OLDEST_FIRST")],
  ["stock transactions filtered", transactions("OLDEST_FIRST", `actions: [ALLOCATE, DECREMENT]`)],
  ["a history, newest first", history("NEWEST_FIRST")],
  ["a history, oldest first", history("OLDEST_FIRST")],
  ["a history filtered", history("NEWEST_FIRST", "actions: [INCREMENT]")],
];

describe.each(lists)("%s", (_name, list) => {
  const readAll = async (): Promise<Item[]> => {
    const all: Item[] = [];
    for (let page = await list({ first: 100 }); ; page = await list({ first: 100, after: all.at(-1)?.cursor ?? "" })) {
      all.push(...page.items);
      if (!page.hasNextPage) return all;
    }
  };

  test("reads forwards and backwards in pages of any size as one list, and says truly whether there is more", async () => {
    const all = await readAll();
    expect(all.length).toBeGreaterThan(5);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const size of [1, 4, 7, all.length]) {
      for (let start = 0; start < all.length; start += size) {
        const after = all[start - 1]?.cursor;
        const before = all[start + size]?.cursor;
        const expected = {
          items: all.slice(start, start + size),
          hasNextPage: start + size < all.length,
          hasPreviousPage: start > 0,
          totalCount: all.length,
        };
        expect(await list({ first: size, ...(after && { after }) })).toMatchObject(expected);
        const last = Math.min(size, all.length - start);
        expect(await list({ last, ...(before && { before }) })).toMatchObject(expected);
      }
    }
  });

  test("after and before together are the range between", async () => {
    const all = await readAll();
    const range = { after: all[0]?.cursor ?? "", before: all[4]?.cursor ?? "" };
    expect(await list(range)).toMatchObject({ items: all.slice(1, 4), hasNextPage: true, hasPreviousPage: true });
    expect(await list({ ...range, first: 2 })).toMatchObject({ items: all.slice(1, 3), hasNextPage: true, hasPreviousPage: true });
    expect(await list({ ...range, last: 2 })).toMatchObject({ items: all.slice(2, 4), hasNextPage: true, hasPreviousPage: true });
    const empty = { after: all[1]?.cursor ?? "", before: all[2]?.cursor ?? "" };
    expect(await list(empty)).toMatchObject({ items: [], hasNextPage: true, hasPreviousPage: true });
  });

  test("past either end there is nothing, and the way back is shown", async () => {
    const all = await readAll();
    expect(await list({ after: all.at(-1)?.cursor ?? "" })).toMatchObject({ items: [], hasNextPage: false, hasPreviousPage: true });
    expect(await list({ before: all[0]?.cursor ?? "" })).toMatchObject({ items: [], hasNextPage: true, hasPreviousPage: false });
    expect(await list({ first: 0 })).toMatchObject({ items: [], hasNextPage: true, hasPreviousPage: false });
  });
});

describe("orders and filters", () => {
  const idsOf = async (list: List): Promise<string[]> => (await list({ first: 100 })).items.map(({ id }) => id);

  test("PRODUCT_ID is the order of UTF-8's bytes; what is no longer tracked is no stock", async () => {
    expect(await idsOf(stocks("PRODUCT_ID"))).toEqual(ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  test("a product's versions come in order in the ledger over all products", async () => {
    const all = await idsOf(transactions("OLDEST_FIRST"));
    expect(all.filter((id) => id.startsWith("p00 "))).toEqual(Array.from({ length: 14 }, (_, index) => `p00 ${index + 1}`));
    expect(await idsOf(transactions("NEWEST_FIRST"))).toEqual(all.toReversed());
  });

  test("the history of a product that is no longer tracked stays", async () => {
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: ["gone", "p01"]`))).toEqual(["p01 1", "p01 2", "gone 1"]);
  });

  test("by reference, reason, actor and instant", async () => {
    expect(await idsOf(transactions("OLDEST_FIRST", `reference: "order p07"`))).toEqual(["p07 2"]);
    expect(await idsOf(transactions("OLDEST_FIRST", `reasons: [RECEIVED]`))).toHaveLength(ids.length);
    expect(await idsOf(transactions("OLDEST_FIRST", `actors: ["nobody"]`))).toEqual([]);
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: []`))).toEqual([]);
    const { stock } = await server.data(`{ stock(productId: "p00") { updatedAt transactions(first: 1) { nodes { createdAt } } } }`);
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: ["p00"], createdSince: "${stock.updatedAt}"`))).toHaveLength(12);
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: ["p00"], createdBefore: "${stock.updatedAt}"`))).toHaveLength(2);
    expect(await idsOf(stocks("PRODUCT_ID", `updatedSince: "${stock.updatedAt}"`))).toEqual(["p00"]);
  });
});

describe("what is refused", () => {
  const cursorOf = async (list: List): Promise<string> => (await list({ first: 1 })).items[0]?.cursor ?? "";
  const refused = async (document: string, variables: object): Promise<unknown> => (await server.graphql(document, variables)).errors?.[0]?.extensions;

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
    expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({ field: "after" });
  });

  test.each([`["stocks:UPDATED_AT_DESC",1e300,"a"]`, `["stocks:UPDATED_AT_DESC",-99999999999999,"a"]`])("a made-up instant: %s", async (place) => {
    const document = `query ($after: String) { stocks(orderBy: UPDATED_AT_DESC, after: $after) { nodes { productId } } }`;
    expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({ field: "after" });
  });

  test.each([`["stock-transactions:OLDEST_FIRST","9223372036854775808"]`, `["stock-transactions:OLDEST_FIRST","01"]`, `["stock-transactions:OLDEST_FIRST",1]`])(
    "a made-up position: %s",
    async (place) => {
      const document = `query ($after: String) { stockTransactions(orderBy: OLDEST_FIRST, after: $after) { nodes { id } } }`;
      expect(await refused(document, { after: Buffer.from(place).toString("base64url") })).toMatchObject({ field: "after" });
    },
  );

  test("a cursor of another order", async () => {
    const after = await cursorOf(transactions("NEWEST_FIRST"));
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
    expect(await refused(stocksDocument, { filter: { productIdPrefix: "\u0000" } })).toMatchObject({ field: "filter.productIdPrefix" });
    expect(await server.data(stocksDocument, { filter: { productIdPrefix: "%" } })).toEqual({ stocks: { nodes: [] } });
  });
});
