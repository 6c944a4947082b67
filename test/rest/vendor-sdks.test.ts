import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { insufficient, newProduct, notFound, refusal, RestClient } from "./rest-client.ts";

interface Transaction {
  readonly data: { readonly id: string };
}

/** The SDKs' Inventories; what 6.6.0 doesn't have yet is optional. */
interface Inventories {
  All(): Promise<unknown>;
  Limit(limit: number): Inventories;
  Offset(offset: number): Inventories;
  Get(productId: string): Promise<unknown>;
  IncrementStock(productId: string, quantity: unknown): Promise<Transaction>;
  DecrementStock(productId: string, quantity: unknown): Promise<Transaction>;
  AllocateStock(productId: string, quantity: unknown): Promise<Transaction>;
  DeallocateStock(productId: string, quantity: unknown): Promise<Transaction>;
  GetTransactions(productId: string): Promise<unknown>;
}

interface LaterInventories extends Inventories {
  Create(productId: string, quantity: number): Promise<unknown>;
  Delete(productId: string): Promise<unknown>;
  GetTransaction(productId: string, transactionId: string): Promise<unknown>;
  GetMultipleStock(productIds: readonly string[]): Promise<unknown>;
}

interface Sdk {
  gateway(options: object): { readonly Inventories: LaterInventories };
  readonly MemoryStorageFactory: new () => object;
}

// The packages' CommonJS builds, which is what Node runs of them; their ES modules are for bundlers.
const load = createRequire(import.meta.url) as (name: string) => Sdk;

let gateway: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  // The SDKs write a line about their token with each first call.
  jest.spyOn(console, "info").mockImplementation(() => undefined);
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
});
afterAll(() => gateway.close());

/** Connects as a vendor's program does, with tokens of its own. */
function connect(name: string, credentials: object, { url } = gateway): LaterInventories {
  const sdk = load(name);
  const { host } = new URL(url);
  return sdk.gateway({ ...credentials, host, protocol: "http", storage: new sdk.MemoryStorageFactory() }).Inventories;
}

function connectAsAdministrator(name: string, target = gateway): LaterInventories {
  return connect(name, { client_id: target.clientId, client_secret: target.clientSecret }, target);
}

function stock(id: string, available: number, allocated: number): object {
  return { id, type: "stock", total: available + allocated, available, allocated };
}

function transaction(productId: string, action: string, quantity: number): object {
  const timestamps = { created_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/) };
  return { id: expect.any(String), type: "stock-transaction", action, product_id: productId, quantity, timestamps };
}

function frameOf(url: string, limit: number, all: number): object {
  const at = (offset: number): string => `${url}?page[offset]=${offset}&page[limit]=${limit}`;
  const total = Math.ceil(all / limit);
  return {
    links: {
      current: at(0),
      first: at(0),
      prev: null,
      next: all > limit ? at(limit) : null,
      last: at((total - 1) * limit),
    },
    meta: { results: { total: all, all }, page: { limit, offset: 0, current: 1, total } },
  };
}

const versions = ["@moltin/sdk", "moltin-sdk-6", "@elasticpath/js-sdk"];
const laterVersions = ["@moltin/sdk", "@elasticpath/js-sdk"];

describe.each(versions)("%s", (name) => {
  test("applies each action and resolves with the stock transaction", async () => {
    const inventories = connectAsAdministrator(name);
    const product = newProduct();
    expect(await inventories.IncrementStock(product, 10)).toEqual({ data: transaction(product, "increment", 10) });
    expect(await inventories.AllocateStock(product, 6)).toEqual({ data: transaction(product, "allocate", 6) });
    expect(await inventories.DeallocateStock(product, 2)).toEqual({ data: transaction(product, "deallocate", 2) });
    expect(await inventories.DecrementStock(product, 3)).toEqual({ data: transaction(product, "decrement", 3) });
    expect(await inventories.Get(product)).toEqual({ data: stock(product, 3, 4) });
    expect(await inventories.GetTransactions(product)).toEqual({
      data: [
        transaction(product, "increment", 10),
        transaction(product, "allocate", 6),
        transaction(product, "deallocate", 2),
        transaction(product, "decrement", 3),
      ],
      ...frameOf(`${gateway.url}/v2/inventories/${product}/transactions`, 25, 4),
    });
  });

  test("rejects a decrement, an allocation and a deallocation past the stock with the vendor's 422", async () => {
    const inventories = connectAsAdministrator(name);
    const product = newProduct();
    await rest.apply(product, "create", 5);
    await expect(inventories.DecrementStock(product, 6)).rejects.toEqual(insufficient);
    await expect(inventories.AllocateStock(product, 6)).rejects.toEqual(insufficient);
    await expect(inventories.DeallocateStock(product, 1)).rejects.toEqual(insufficient);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test.each([
    ["5", "data.quantity has to be an integer, not a string"],
    [-1, "data.quantity has to be at least 1"],
    [1.5, "data.quantity has to be an integer, not a fraction"],
    [null, "data.quantity has to be an integer, not null"],
    [undefined, "data.quantity is missing"],
  ])("rejects the quantity %j with a 400", async (quantity, detail) => {
    const product = newProduct();
    await expect(connectAsAdministrator(name).IncrementStock(product, quantity)).rejects.toEqual(
      refusal(400, "Validation Error", detail),
    );
    expect(await rest.levels(product)).toBeNull();
  });

  test("rejects what is not there with a 404", async () => {
    const inventories = connectAsAdministrator(name);
    await expect(inventories.Get(newProduct())).rejects.toEqual(notFound);
    await expect(inventories.GetTransactions(newProduct())).rejects.toEqual(notFound);
    await expect(inventories.DecrementStock(newProduct(), 1)).rejects.toEqual(notFound);
  });

  test("reads with the implicit grant, and is refused a write with 403", async () => {
    const inventories = connect(name, { client_id: await gateway.addImplicitClient() });
    const product = newProduct();
    await rest.apply(product, "create", 5);
    expect(await inventories.Get(product)).toEqual({ data: stock(product, 5, 0) });
    const forbidden = refusal(403, "Forbidden", "The access token lacks the scope inventory:write");
    await expect(inventories.IncrementStock(product, 1)).rejects.toEqual(forbidden);
    expect(await rest.levels(product)).toEqual([5, 0]);
  });

  test("sends three first calls at once, each with a token of its own", async () => {
    const inventories = connectAsAdministrator(name);
    const product = newProduct();
    await Promise.all([1, 2, 3].map((quantity) => inventories.IncrementStock(product, quantity)));
    expect(await rest.levels(product)).toEqual([6, 0]);
  });

  test("rejects a wrong secret", async () => {
    const inventories = connect(name, { client_id: gateway.clientId, client_secret: "wrong" });
    await expect(inventories.Get("a")).rejects.toMatchObject({ errors: [{ status: 401 }] });
  });
});

describe.each(laterVersions)("%s", (name) => {
  test("starts and stops tracking", async () => {
    const inventories = connectAsAdministrator(name);
    const product = newProduct();
    expect(await inventories.Create(product, 5)).toEqual({ data: stock(product, 5, 0) });
    await expect(inventories.Create(product, 5)).rejects.toEqual(
      refusal(409, "Conflict", "The product has stock already"),
    );
    expect(await inventories.Delete(product)).toBe("{}");
    await expect(inventories.Delete(product)).rejects.toEqual(notFound);
    expect(await rest.levels(product)).toBeNull();
  });

  test("looks up one stock transaction", async () => {
    const inventories = connectAsAdministrator(name);
    const product = newProduct();
    const { data } = await inventories.IncrementStock(product, 5);
    expect(await inventories.GetTransaction(product, data.id)).toEqual({ data });
    await expect(inventories.GetTransaction(newProduct(), data.id)).rejects.toEqual(notFound);
  });

  test("looks up several stocks in the order asked", async () => {
    const inventories = connectAsAdministrator(name);
    const [a, b, missing] = [newProduct(), newProduct(), newProduct()];
    await rest.apply(a, "create", 1);
    await rest.apply(b, "create", 2);
    expect(await inventories.GetMultipleStock([b, missing, a])).toEqual({
      data: [stock(b, 2, 0), stock(a, 1, 0)],
      meta: { missing_ids: [missing] },
    });
  });
});

describe.each(versions)("%s, on a gateway of its own", (name) => {
  let own: TestGateway;
  beforeAll(async () => {
    own = await startTestGateway();
  });
  afterAll(() => own.close());

  test("lists all stock, and pages with Limit and Offset", async () => {
    const client = await RestClient.of(own);
    for (const id of ["c", "a", "d", "b"]) await client.apply(id, "create", 1);
    const inventories = connectAsAdministrator(name, own);
    const url = `${own.url}/v2/inventories`;
    const all = ["a", "b", "c", "d"].map((id) => stock(id, 1, 0));
    expect(await inventories.All()).toEqual({ data: all, ...frameOf(url, 25, 4) });
    expect(await inventories.Limit(3).All()).toEqual({ data: all.slice(0, 3), ...frameOf(url, 3, 4) });
    expect(await inventories.Limit(2).Offset(2).All()).toMatchObject({
      data: all.slice(2),
      meta: { page: { offset: 2, current: 2, total: 2 } },
    });
    expect(await inventories.Limit(0).All()).toEqual({ data: all, ...frameOf(url, 25, 4) });
  });
});
