import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startGraphQLServer } from "./support.ts";
import type { AnyData, GraphQLServer } from "./support.ts";

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
    transactions: Array.from({ length: 12 }, (_, index) => ({
      productId: "p00",
      action: index % 2 ? "DECREMENT" : "INCREMENT",
      quantity: 1,
    })),
  });
  await server.data(batch, { transactions: [{ productId: "gone", action: "INCREMENT", quantity: 5 }] });
  await server.data(`mutation { deleteStock(productId: "gone") { version } }`);
  // The oldest-first ledger ends before what another file's group, on the same server, keeps open.
  const ends = `{ oldest: stockTransactions(orderBy: OLDEST_FIRST, last: 1) { nodes { id } } newest: stockTransactions(first: 1) { nodes { id } } }`;
  let ledger = await server.data(ends);
  while (ledger.oldest.nodes[0]?.id !== ledger.newest.nodes[0].id) ledger = await server.data(ends);
});

afterAll(async () => server.close());

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
const shape = (node: string): string =>
  `{ edges { cursor node { ${node} } } nodes { ${node} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`;

async function read(
  document: string,
  page: object,
  pick: (data: AnyData) => AnyData,
  idOf: (node: AnyData) => string,
): Promise<PageAnswer> {
  const connection = pick(await server.data(document, page));
  expect(connection.nodes).toEqual(connection.edges.map(({ node }: { node: unknown }) => node));
  const items: Item[] = connection.edges.map(({ cursor, node }: { cursor: string; node: unknown }) => ({
    cursor,
    id: idOf(node),
  }));
  expect(connection.pageInfo).toMatchObject({
    startCursor: items[0]?.cursor ?? null,
    endCursor: items.at(-1)?.cursor ?? null,
  });
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
  [
    "stocks filtered",
    stocks("AVAILABLE", `productIdPrefix: "p", availableAtLeast: 9, availableAtMost: 10, allocatedAtLeast: 1`),
  ],
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
    expect(await list({ ...range, first: 2 })).toMatchObject({
      items: all.slice(1, 3),
      hasNextPage: true,
      hasPreviousPage: true,
    });
    expect(await list({ ...range, last: 2 })).toMatchObject({
      items: all.slice(2, 4),
      hasNextPage: true,
      hasPreviousPage: true,
    });
    const empty = { after: all[1]?.cursor ?? "", before: all[2]?.cursor ?? "" };
    expect(await list(empty)).toMatchObject({ items: [], hasNextPage: true, hasPreviousPage: true });
  });

  test("past either end there is nothing, and the way back is shown", async () => {
    const all = await readAll();
    expect(await list({ after: all.at(-1)?.cursor ?? "" })).toMatchObject({
      items: [],
      hasNextPage: false,
      hasPreviousPage: true,
    });
    expect(await list({ before: all[0]?.cursor ?? "" })).toMatchObject({
      items: [],
      hasNextPage: true,
      hasPreviousPage: false,
    });
    expect(await list({ first: 0 })).toMatchObject({ items: [], hasNextPage: true, hasPreviousPage: false });
  });
});

const idsOf = async (list: List): Promise<string[]> => (await list({ first: 100 })).items.map(({ id }) => id);

describe("orders and filters", () => {
  test("PRODUCT_ID is the order of UTF-8's bytes; what is no longer tracked is no stock", async () => {
    expect(await idsOf(stocks("PRODUCT_ID"))).toEqual(
      ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  test("a product's versions come in order in the ledger over all products", async () => {
    const all = await idsOf(transactions("OLDEST_FIRST"));
    expect(all.filter((id) => id.startsWith("p00 "))).toEqual(
      Array.from({ length: 14 }, (_, index) => `p00 ${index + 1}`),
    );
    expect(await idsOf(transactions("NEWEST_FIRST"))).toEqual(all.toReversed());
  });

  test("the history of a product that is no longer tracked stays", async () => {
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: ["gone", "p01"]`))).toEqual([
      "p01 1",
      "p01 2",
      "gone 1",
    ]);
  });

  test("by reference, reason, actor and instant", async () => {
    expect(await idsOf(transactions("OLDEST_FIRST", `reference: "order p07"`))).toEqual(["p07 2"]);
    expect(await idsOf(transactions("OLDEST_FIRST", `reasons: [RECEIVED]`))).toHaveLength(ids.length);
    expect(await idsOf(transactions("OLDEST_FIRST", `actors: ["nobody"]`))).toEqual([]);
    expect(await idsOf(transactions("OLDEST_FIRST", `productIds: []`))).toEqual([]);
    const { stock } = await server.data(
      `{ stock(productId: "p00") { updatedAt transactions(first: 1) { nodes { createdAt } } } }`,
    );
    expect(
      await idsOf(transactions("OLDEST_FIRST", `productIds: ["p00"], createdSince: "${stock.updatedAt}"`)),
    ).toHaveLength(12);
    expect(
      await idsOf(transactions("OLDEST_FIRST", `productIds: ["p00"], createdBefore: "${stock.updatedAt}"`)),
    ).toHaveLength(2);
    expect(await idsOf(stocks("PRODUCT_ID", `updatedSince: "${stock.updatedAt}"`))).toEqual(["p00"]);
  });
});
