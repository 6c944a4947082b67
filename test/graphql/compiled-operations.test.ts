import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildSchema, getOperationAST, GraphQLSchema, parse } from "graphql";
import { CompiledOperations } from "../../src/graphql/compiled-operations.ts";
import { createSchema } from "../../src/graphql/schema.ts";
import { randomDocuments } from "../fuzz/random-documents.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;
let token: string;

// An operation is carried out once by graphql-js, and compiled from then on.
beforeAll(async () => {
  gateway = await startTestGateway({ usesBeforeCompiled: 1 });
  token = await gateway.token();
  const lines = ["shirt", "hat", "a b"].flatMap((productId) =>
    ["INCREMENT", "ALLOCATE"].map((action) => ({ productId, action, quantity: 3 })),
  );
  const query = `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { index } }`;
  await ask(query, { lines });
});

afterAll(() => gateway.close());

async function ask(query: string, variables?: object): Promise<string> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return `${response.status} ${await response.text()}`;
}

const schema = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
const bounds = { numRuns: 300, interruptAfterTimeLimit: 15_000 } as const;

describe("what graphql-js answers, a compiled operation answers to the byte", () => {
  test("to random queries, with data, errors and their places", async () => {
    await fc.assert(
      fc.asyncProperty(randomDocuments(new GraphQLSchema({ query: schema.getQueryType() })), async (query) => {
        const first = await ask(query);
        expect(await ask(query)).toBe(first);
      }),
      bounds,
    );
  });

  test("to random variables of every kind", async () => {
    const query = `query ($id: ID!, $ids: [ID!]!, $at: DateTime, $first: Int, $filter: StockFilter, $orderBy: StockOrder = AVAILABLE) {
      stock(productId: $id, at: $at) { productId available total }
      stocksByProductId(productIds: $ids) { productId version }
      stocks(first: $first, filter: $filter, orderBy: $orderBy) { totalCount nodes { productId } }
    }`;
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(1, 1.5, -0, "1", "shirt", true, null, [], {}, 2 ** 31),
    );
    const either = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd });
    const variables = fc.record(
      {
        id: either(fc.constantFrom("shirt", "none", 7)),
        ids: either(fc.array(either(fc.constantFrom("shirt", "hat", "none")), { maxLength: 3 })),
        at: either(fc.constantFrom("2026-01-01T00:00:00Z", "2999-01-01T00:00:00.5+01:00")),
        first: either(fc.integer({ min: 0, max: 101 })),
        filter: either(fc.record({ availableMax: either(fc.integer()), unknown: odd }, { requiredKeys: [] })),
        orderBy: either(fc.constantFrom("PRODUCT_ID", "AVAILABLE", "shirt")),
      },
      { requiredKeys: [] },
    );
    // The first one is carried out by graphql-js, all others by what was compiled; Apollo Server knows them apart by their text.
    const compiled = `${query}\n# compiled`;
    await ask(compiled, { id: "shirt", ids: [] });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(variables, async (given) => {
        count += 1;
        expect(await ask(compiled, given)).toBe(await ask(`${query}\n# ${count}`, given));
      }),
      bounds,
    );
  });

  test("to a mutation that is refused, and one that is malformed", async () => {
    for (const quantity of [9, -1]) {
      const query = `mutation Move {\n  class: createStockTransaction(productId: "shirt", action: DECREMENT, quantity: ${quantity}) { id } }`;
      const first = await ask(query);
      expect(first).toContain('"locations":[{"line":2,"column":3}],"path":["class"]');
      expect(await ask(query)).toBe(first);
    }
  });

  test("to a mutation that comes after one that was refused: it is not carried out", async () => {
    const query = `mutation { first: createStockTransaction(productId: "shirt", action: DECREMENT, quantity: 9) { id }
      second: createStockTransaction(productId: "second", action: INCREMENT, quantity: 1) { id } }`;
    expect(await ask(query)).toBe(await ask(query));
    expect(await ask(`{ stock(productId: "second") { version } }`)).toContain('{"data":{"stock":null}}');
  });
});

describe("which operations are compiled", () => {
  const use = (source: string, usesBefore: number, uses: number): unknown => {
    const operations = new CompiledOperations(createSchema({ federation: true, isHidden: false }), usesBefore);
    const document = parse(source);
    const operation = getOperationAST(document);
    if (operation == null) throw new Error("There is no operation");
    return Array.from({ length: uses }, () => operations.use(operation, document) !== null);
  };

  test("those that come again", () => {
    expect(use(`{ stock(productId: "a") { available } }`, 2, 4)).toEqual([false, false, true, true]);
  });

  test.each([
    [`{ stock(productId: "a") { available @skip(if: false) } }`],
    [`{ __proto__: stock(productId: "a") { available } }`],
    [`{ stock(productId: "a") { __proto__: __typename } }`],
    [`query ($__proto__: ID!) { stock(productId: $__proto__) { available } }`],
    [`{ __schema { queryType { name } } }`],
    [`{ _entities(representations: []) { __typename } }`],
    [`mutation { a: deleteStock(productId: "a") { version } b: deleteStock(productId: "b") { version } }`],
    [`fragment F on Mutation { deleteStock(productId: "a") { version } } mutation { ...F }`],
  ])("but not what graphql-js treats in another way: %.60s", (source) => {
    expect(use(source, 0, 2)).toEqual([false, false]);
  });

  test("also those with fragments", () => {
    expect(use(`fragment F on Stock { available __typename } { stock(productId: "a") { ...F } }`, 0, 1)).toEqual([
      true,
    ]);
  });
});
