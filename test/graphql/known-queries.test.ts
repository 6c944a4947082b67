import type { GraphQLRequest } from "@apollo/server";
import { expect, test } from "@jest/globals";
import { KnownQueries, queriesMax, queryLengthMax } from "../../src/graphql/known-queries.ts";

const query = "{ __typename }";
const hash = "4eb2";
const asked = { source: query, queryHash: hash, metrics: {} };
/** What Apollo Server asks for. */
const key = `apq:${hash}`;

function named(queries: KnownQueries, request: GraphQLRequest): GraphQLRequest {
  const copy = { ...request };
  queries.nameQuery(copy);
  return copy;
}

test("a query that was asked before is named by its hash, and found by it", async () => {
  const queries = new KnownQueries();
  const request = { query, variables: { a: 1 }, operationName: "A", extensions: { trace: true } };
  expect(named(queries, request)).toEqual(request);
  queries.learn(asked);
  expect(named(queries, request)).toEqual({
    ...request,
    query: undefined,
    extensions: { trace: true, persistedQuery: { version: 1, sha256Hash: hash } },
  });
  expect(await queries.get(key)).toBe(query);
});

test("so is one that a client has registered", async () => {
  const queries = new KnownQueries();
  await queries.set(key, query);
  expect(named(queries, { query }).query).toBeUndefined();
  expect(await queries.get(key)).toBe(query);
});

test("a client's own hash is left for Apollo Server to look at, and so is another query", () => {
  const queries = new KnownQueries();
  queries.learn(asked);
  const own = { query, extensions: { persistedQuery: { version: 1, sha256Hash: "another" } } };
  expect(named(queries, own)).toEqual(own);
  expect(named(queries, { query: `${query} ` })).toEqual({ query: `${query} ` });
});

function learnMany(queries: KnownQueries, from: number, to: number): void {
  for (let index = from; index < to; index += 1) queries.learn({ ...asked, source: `${index}`, queryHash: `${index}` });
}

test("a thousand are kept, those that were used last", async () => {
  const queries = new KnownQueries();
  queries.learn(asked);
  learnMany(queries, 1, queriesMax);
  expect(named(queries, { query }).query).toBeUndefined();
  learnMany(queries, queriesMax, queriesMax + 1);
  expect(named(queries, { query }).query).toBeUndefined();
  expect(named(queries, { query: "1" })).toEqual({ query: "1" });
  expect(await queries.get("apq:1")).toBeUndefined();
});

test("none is named that would not be found", async () => {
  const queries = new KnownQueries();
  learnMany(queries, 1, queriesMax);
  queries.learn(asked);
  for (let index = 1; index < queriesMax; index += 1) await queries.get(`apq:${index}`);
  learnMany(queries, queriesMax, queriesMax + 1);
  expect(await queries.get(key)).toBeUndefined();
  expect(named(queries, { query })).toEqual({ query });
});

test("a long one is not kept", async () => {
  const queries = new KnownQueries();
  const long = "x".repeat(queryLengthMax + 1);
  queries.learn({ ...asked, source: long });
  expect(named(queries, { query: long })).toEqual({ query: long });
  expect(await queries.get(key)).toBeUndefined();
});
