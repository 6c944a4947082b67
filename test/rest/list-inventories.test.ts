import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { RestClient } from "./rest-client.ts";

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

function stock(id: string, available: number): object {
  return { id, type: "stock", total: available, available, allocated: 0 };
}

function at(offset: number): string {
  return `${gateway.url}/v2/inventories?page[offset]=${offset}&page[limit]=2`;
}

describe("GET /v2/inventories", () => {
  test("lists nothing on an empty system: one page, and no 404", async () => {
    const answer = await rest.send("GET", "/v2/inventories");
    const only = `${gateway.url}/v2/inventories?page[offset]=0&page[limit]=25`;
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        data: [],
        links: { current: only, first: only, prev: null, next: null, last: only },
        meta: { results: { total: 0, all: 0 }, page: { limit: 25, offset: 0, current: 1, total: 1 } },
      },
    ]);
  });

  test("lists the stock of tracked products by product id, page by page", async () => {
    for (const id of ["e", "b", "gone", "d", "a", "c"]) await rest.apply(id, "create", 1);
    await rest.send("DELETE", "/v2/inventories/gone");
    const first = await rest.send("GET", "/v2/inventories?page[limit]=2");
    expect([first.status, first.body]).toEqual([
      200,
      {
        data: [stock("a", 1), stock("b", 1)],
        links: { current: at(0), first: at(0), prev: null, next: at(2), last: at(4) },
        meta: { results: { total: 5, all: 5 }, page: { limit: 2, offset: 0, current: 1, total: 3 } },
      },
    ]);
    const last = await rest.send("GET", "/v2/inventories?page[limit]=2&page[offset]=4");
    expect([last.status, last.body]).toEqual([
      200,
      {
        data: [stock("e", 1)],
        links: { current: at(4), first: at(0), prev: at(2), next: null, last: at(4) },
        meta: { results: { total: 5, all: 5 }, page: { limit: 2, offset: 4, current: 3, total: 3 } },
      },
    ]);
  });

  test("between two pages, prev begins a page earlier and never before the first record", async () => {
    const answer = await rest.send("GET", "/v2/inventories?page[limit]=2&page[offset]=1");
    expect(answer.body).toEqual({
      data: [stock("b", 1), stock("c", 1)],
      links: { current: at(1), first: at(0), prev: at(0), next: at(3), last: at(4) },
      meta: { results: { total: 5, all: 5 }, page: { limit: 2, offset: 1, current: 1, total: 3 } },
    });
  });

  test("takes a JSON content type without a body, and query parameters that it doesn't know", async () => {
    const headers = { "content-type": "application/json" };
    const answer = await rest.send("GET", "/v2/inventories?page[limit]=100&include=files", { headers });
    expect(answer.status).toBe(200);
  });

  test("joining the last page isn't confused by a total that divides evenly", async () => {
    const answer = await rest.send("GET", "/v2/inventories?page[limit]=5");
    const only = `${gateway.url}/v2/inventories?page[offset]=0&page[limit]=5`;
    expect(answer.body).toMatchObject({
      links: { current: only, first: only, prev: null, next: null, last: only },
      meta: { page: { limit: 5, offset: 0, current: 1, total: 1 } },
    });
  });
});
