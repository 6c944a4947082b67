import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { newProduct, notFound, pathOf, RestClient } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

/** Applies stock transactions one after another; answers with their ids. */
async function applyAll(
  product: string,
  transactions: readonly (readonly [action: string, quantity: number])[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const [action, quantity] of transactions) {
    const { body } = await rest.apply(product, action, quantity);
    ids.push((body as { data: { id: string } }).data.id);
  }
  return ids;
}

function fiveIncrements(product: string): Promise<string[]> {
  return applyAll(
    product,
    [1, 2, 3, 4, 5].map((quantity) => ["increment", quantity] as const),
  );
}

function listed(id: string | undefined, product: string, action: string, quantity: number): object {
  const timestamps = { created_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/) };
  return { id, type: "stock-transaction", action, product_id: product, quantity, timestamps };
}

describe("GET /v2/inventories/:productId/transactions", () => {
  test("lists a product's stock transactions, oldest first, on one page when nothing is said", async () => {
    const product = newProduct();
    const ids = await applyAll(product, [
      ["increment", 10],
      ["allocate", 4],
      ["decrement", 1],
    ]);
    const path = `${pathOf(product)}/transactions`;
    const answer = await rest.send("GET", path);
    const only = `${gateway.url}${path}?page[offset]=0&page[limit]=25`;
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        data: [
          listed(ids[0], product, "increment", 10),
          listed(ids[1], product, "allocate", 4),
          listed(ids[2], product, "decrement", 1),
        ],
        links: { current: only, first: only, prev: null, next: null, last: only },
        meta: { results: { total: 3, all: 3 }, page: { limit: 25, offset: 0, current: 1, total: 1 } },
      },
    ]);
  });

  test.each(["page[limit]=2&page[offset]=2", "page%5Blimit%5D=2&page%5Boffset%5D=2"])(
    "%s answers with that page and links to its neighbours",
    async (query) => {
      const product = newProduct();
      const ids = await fiveIncrements(product);
      const path = `${pathOf(product)}/transactions`;
      const answer = await rest.send("GET", `${path}?${query}`);
      const at = (offset: number): string => `${gateway.url}${path}?page[offset]=${offset}&page[limit]=2`;
      expect([answer.status, answer.body]).toEqual([
        200,
        {
          data: [listed(ids[2], product, "increment", 3), listed(ids[3], product, "increment", 4)],
          links: { current: at(2), first: at(0), prev: at(0), next: at(4), last: at(4) },
          meta: { results: { total: 5, all: 5 }, page: { limit: 2, offset: 2, current: 2, total: 3 } },
        },
      ]);
    },
  );

  test("following next from the first page reads every stock transaction once", async () => {
    const product = newProduct();
    const ids = await fiveIncrements(product);
    const seen: string[] = [];
    let next: string | null = `${gateway.url}${pathOf(product)}/transactions?page[limit]=2`;
    while (next !== null) {
      const { body } = await rest.send("GET", next.slice(gateway.url.length));
      const page = body as { data: { id: string }[]; links: { next: string | null } };
      seen.push(...page.data.map(({ id }) => id));
      next = page.links.next;
    }
    expect(seen).toEqual(ids);
  });

  test("a page past the end is empty and says how many there are", async () => {
    const product = newProduct();
    await fiveIncrements(product);
    const path = `${pathOf(product)}/transactions`;
    const answer = await rest.send("GET", `${path}?page[offset]=10000&page[limit]=100`);
    const at = (offset: number): string => `${gateway.url}${path}?page[offset]=${offset}&page[limit]=100`;
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        data: [],
        links: { current: at(10_000), first: at(0), prev: at(9_900), next: null, last: at(0) },
        meta: { results: { total: 5, all: 5 }, page: { limit: 100, offset: 10_000, current: 101, total: 1 } },
      },
    ]);
  });

  test("takes page[limit]=0 for the default, as some SDKs mean it", async () => {
    const product = newProduct();
    await rest.apply(product, "increment", 1);
    const answer = await rest.send("GET", `${pathOf(product)}/transactions?page[limit]=0`);
    expect(answer.body).toMatchObject({ meta: { page: { limit: 25, offset: 0, current: 1, total: 1 } } });
  });

  test("is 404 for a product without stock, whether it never had any or is no longer tracked", async () => {
    const product = newProduct();
    const never = await rest.send("GET", `${pathOf(product)}/transactions`);
    expect([never.status, never.body]).toEqual([404, notFound]);
    await rest.apply(product, "create", 1);
    await rest.send("DELETE", pathOf(product));
    const deleted = await rest.send("GET", `${pathOf(product)}/transactions`);
    expect([deleted.status, deleted.body]).toEqual([404, notFound]);
  });
});

describe("GET /v2/inventories/:productId/transactions/:transactionId", () => {
  test("answers with the stock transaction", async () => {
    const product = newProduct();
    const ids = await applyAll(product, [
      ["increment", 10],
      ["allocate", 4],
    ]);
    const answer = await rest.send("GET", `${pathOf(product)}/transactions/${ids[1]}`);
    expect([answer.status, answer.body]).toEqual([200, { data: listed(ids[1], product, "allocate", 4) }]);
  });

  test("answers also when the product is no longer tracked", async () => {
    const product = newProduct();
    const [id] = await applyAll(product, [["create", 10]]);
    expect((await rest.send("DELETE", pathOf(product))).status).toBe(204);
    const answer = await rest.send("GET", `${pathOf(product)}/transactions/${id}`);
    expect([answer.status, answer.body]).toEqual([200, { data: listed(id, product, "create", 10) }]);
  });

  test("is 404 under another product's path", async () => {
    const product = newProduct();
    const other = newProduct();
    const [id] = await applyAll(product, [["increment", 10]]);
    await rest.apply(other, "increment", 1);
    const answer = await rest.send("GET", `${pathOf(other)}/transactions/${id}`);
    expect([answer.status, answer.body]).toEqual([404, notFound]);
  });

  test.each([
    "0195c2d4-0000-7000-8000-000000000000",
    "1",
    "not-a-uuid",
    "%00",
    "' OR 1=1--",
    "{0195c2d4-0000-7000-8000-000000000000}",
  ])("is 404 for the id %s, which no stock transaction has", async (id) => {
    const product = newProduct();
    await rest.apply(product, "increment", 1);
    const answer = await rest.send("GET", `${pathOf(product)}/transactions/${id}`);
    expect([answer.status, answer.body]).toEqual([404, notFound]);
  });
});
