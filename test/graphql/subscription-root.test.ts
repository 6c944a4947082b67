import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { FeedSocket } from "../support/feed-socket.ts";
import { FeedWorld } from "./feed-world.ts";
import { newProduct } from "./support.ts";

let world: FeedWorld;
let token: string;

beforeAll(async () => {
  world = await FeedWorld.open();
  ({ token } = await world.newCaller());
});

afterAll(() => world.close());

const field = "stockTransactionCreated";

/** What may not stand at the root of a subscription, and with which variables it is sent. */
const documents: [string, string, object][] = [
  ["@skip", `subscription { ${field} @skip(if: true) { cursor } }`, {}],
  ["@skip that leaves the field in", `subscription { ${field} @skip(if: false) { cursor } }`, {}],
  ["@include without an argument", `subscription { ${field} @include { cursor } }`, {}],
  ["a variable", `subscription ($s: Boolean!) { ${field} @include(if: $s) { cursor } }`, { s: true }],
  ["a variable that is not given", `subscription ($s: Boolean!) { ${field} @include(if: $s) { cursor } }`, {}],
  [
    "a fragment",
    `subscription ($s: Boolean!) { ...F @skip(if: $s) } fragment F on Subscription { ${field} { cursor } }`,
    { s: false },
  ],
  [
    "in fragments in fragments",
    `subscription ($s: Boolean!) { ... { ...F } } fragment F on Subscription { ... on Subscription { ...G } }
     fragment G on Subscription { ${field} @include(if: $s) { cursor } }`,
    { s: true },
  ],
  [
    "in fragments that spread each other",
    `subscription ($s: Boolean!) { ...F } fragment F on Subscription { ...G } fragment G on Subscription { ...F @skip(if: $s) }`,
    {},
  ],
];

const error = {
  message: "A subscription's root field may not have @skip or @include",
  locations: [{ line: expect.any(Number), column: expect.any(Number) }],
  extensions: { code: "GRAPHQL_VALIDATION_FAILED", status: 400 },
};

async function post(body: object, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(`${world.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

test.each(documents)("%s is refused in a POST and for server-sent events", async (_name, query, variables) => {
  for (const accept of ["*/*", "text/event-stream"])
    expect(await post({ query, variables }, { accept })).toEqual([400, { errors: [error] }]);
});

test("a client that knows application/json only is answered as with any document that is refused", async () => {
  const query = `subscription { ${field} @skip(if: true) { cursor } }`;
  expect(await post({ query }, { accept: "application/json" })).toEqual([200, { errors: [error] }]);
});

test("so is a document of which another operation is meant, with an error for each subscription", async () => {
  const query = `query A { __typename }
    subscription B($s: Boolean!) { ${field} @include(if: $s) { cursor } }
    subscription C { a: ${field} @skip(if: true) { cursor } b: ${field} @include(if: false) { cursor } }`;
  const place = { line: expect.any(Number), column: expect.any(Number) };
  const errors = [error, { ...error, locations: [place, place] }];
  expect(await post({ query, operationName: "A" })).toEqual([400, { errors }]);
});

test("over WebSocket they are refused one by one, and the others go on", async () => {
  const productId = newProduct();
  const socket = await FeedSocket.admitted(world.url, token);
  socket.subscribe("live", { variables: { productIds: [productId], after: await world.tip() } });
  for (const [id, query, variables] of documents) {
    socket.subscribe(id, { query, variables });
    expect(await socket.receive()).toEqual({ id, type: "error", payload: [error] });
  }
  await world.receive(productId);
  expect(await socket.receive()).toMatchObject({ id: "live", type: "next" });
  await socket.close();
});

test("directives below the root are carried out", async () => {
  const productId = newProduct();
  const socket = await FeedSocket.admitted(world.url, token);
  const query = `subscription ($after: String, $ids: [ID!], $s: Boolean!) {
    ...F } fragment F on Subscription { ${field}(after: $after, productIds: $ids) { cursor @skip(if: $s) node @include(if: $s) { productId } } }`;
  socket.subscribe("1", { query, variables: { after: await world.tip(), ids: [productId], s: true } });
  await world.receive(productId);
  expect((await socket.receive()).payload).toEqual({ data: { [field]: { node: { productId } } } });
  await socket.close();
});
