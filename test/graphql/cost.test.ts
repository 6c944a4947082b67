import { expect, test } from "@jest/globals";
import { Kind, parse } from "graphql";
import type { OperationDefinitionNode } from "graphql";
import { costOf } from "../../src/graphql/cost.ts";

const move = `createStockTransaction(productId: "a", action: INCREMENT, quantity: 1)`;
const history = `stock { transactions(first: 25) { nodes { id } } }`;
const lines = (count: number): unknown[] => Array.from({ length: count }, () => ({}));

test.each<[number, string, Readonly<Record<string, unknown>>]>([
  [1, `mutation { ${move} { id } }`, {}],
  [
    1,
    `mutation ($id: ID!) { createStockTransaction(productId: $id, action: INCREMENT, quantity: 1) { id } }`,
    { id: "a" },
  ],
  [3, `mutation { a: ${move} { id } b: ${move} { id } ...More } fragment More on Mutation { c: ${move} { id } }`, {}],
  [26, `mutation { ${move} { ${history} } }`, {}],
  [
    7,
    `mutation ($l: [StockTransactionInput!]!) { createStockTransactions(transactions: $l) { transaction { id } error { code } } }`,
    { l: lines(7) },
  ],
  [
    182,
    `mutation ($l: [StockTransactionInput!]!) { createStockTransactions(transactions: $l) { transaction { ${history} } } }`,
    { l: lines(7) },
  ],
  [2, `mutation { createStockTransactions(transactions: [{productId: "a"}, {productId: "b"}]) { index } }`, {}],
  // One may stand for a list of it.
  [
    1,
    `mutation ($l: [StockTransactionInput!]!) { createStockTransactions(transactions: $l) { index } }`,
    { l: { productId: "a" } },
  ],
  [2, `{ stocksByProductId(productIds: "a") { available } }`, {}],
  // What is not given is refused before it is executed: it counts as the most.
  [1_000, `mutation ($l: [StockTransactionInput!]!) { createStockTransactions(transactions: $l) { index } }`, {}],
  [1, `{ stock(productId: "a") { available } }`, {}],
  [1, `{ __schema { types { name fields { name type { name } } } } }`, {}],
  [2, `{ a: stock(productId: "a") { available } b: stock(productId: "b") { available } }`, {}],
  [25, `{ stocks(first: 24) { nodes { available } } }`, {}],
  [26, `{ stocks { edges { node { available } } } }`, {}],
  [26, `query ($n: Int) { stocks(first: $n) { nodes { available } } }`, { n: null }],
  [51, `query ($n: Int) { stocks(last: $n) { nodes { available } } }`, { n: 50 }],
  [8, `query ($n: Int = 7) { stocks(first: $n) { nodes { available } } }`, {}],
  [101, `query ($n: Int) { stocks(first: $n) { nodes { available } } }`, { n: 1_000_000_000 }],
  [1, `query ($n: Int) { stocks(first: $n) { nodes { available } } }`, { n: -100 }],
  [101, `query ($ids: [ID!]!) { stocksByProductId(productIds: $ids) { available } }`, { ids: lines(100) }],
  [101, `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Stock { available } } }`, { r: lines(100) }],
  [261, `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Product { ${history} } } }`, { r: lines(10) }],
  [126, `{ stocks(first: 25) { nodes { transactions(first: 4) { nodes { id } } } } }`, {}],
])("%i for %s", (cost, source, variables) => {
  const document = parse(source);
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (operation === undefined) throw new Error("There is an operation in each");
  expect(costOf(operation, document, variables)).toBe(cost);
  // The second time it may be remembered.
  expect(costOf(operation, document, variables)).toBe(cost);
});

test("what was remembered of a document holds for no other variables", () => {
  const document = parse(`query ($n: Int) { stocks(first: $n) { nodes { available } } }`);
  const [operation] = document.definitions as [OperationDefinitionNode];
  expect([1, 100, 50].map((n) => costOf(operation, document, { n }))).toEqual([2, 101, 51]);
});
