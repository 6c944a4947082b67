import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { FeedSocket } from "../support/feed-socket.ts";
import type { FeedMessage } from "../support/feed-socket.ts";
import { FeedWorld } from "./feed-world.ts";
import { newProduct } from "./support.ts";

let world: FeedWorld;
let token: string;

beforeAll(async () => {
  world = await FeedWorld.open();
  ({ token } = await world.newCaller());
});

afterAll(() => world.close());

/** The error messages that refuse a subscription. */
const refused = (id: string, message: string, extensions: object, place: object = {}): FeedMessage => ({
  id,
  type: "error",
  payload: [{ message, ...place, extensions }],
});

describe("a subscription that is refused", () => {
  const onlySubscriptions = "Only subscriptions are streamed: queries and mutations go over HTTP, with a JSON answer";
  const documents: [string, string, string, string][] = [
    ["a query", "{ stocks { totalCount } }", onlySubscriptions, "OPERATION_RESOLUTION_FAILURE"],
    [
      "a mutation",
      `mutation { deleteStock(productId: "a") { productId } }`,
      onlySubscriptions,
      "OPERATION_RESOLUTION_FAILURE",
    ],
  ];
  test.each(documents)("tells why of %s, and changes nothing", async (_name, query, message, code) => {
    expect(await ask({ query })).toEqual([refused("1", message, { code, status: 400 })]);
  });

  test("tells where a document can't be read", async () => {
    expect(await ask({ query: "subscription {" })).toEqual([
      refused(
        "1",
        "Syntax Error: Expected Name, found <EOF>.",
        { code: "GRAPHQL_PARSE_FAILED", status: 400 },
        { locations: [{ line: 1, column: 15 }] },
      ),
    ]);
  });

  test("tells what the schema does not have", async () => {
    const message = `Cannot query field "stockTransactionDeleted" on type "Subscription". Did you mean "stockTransactionCreated"?`;
    expect(await ask({ query: "subscription { stockTransactionDeleted { cursor } }" })).toEqual([
      refused(
        "1",
        message,
        { code: "GRAPHQL_VALIDATION_FAILED", status: 400 },
        { locations: [{ line: 1, column: 16 }] },
      ),
    ]);
  });

  test.each([
    [
      "tokens",
      `subscription { stockTransactionCreated { ${"cursor ".repeat(2_000)} } }`,
      "Syntax Error: Document contains more that 2000 tokens. Parsing aborted.",
      "GRAPHQL_PARSE_FAILED",
    ],
    [
      "aliases",
      `subscription { stockTransactionCreated { ${Array.from({ length: 51 }, (_, index) => `a${index}: cursor`).join(" ")} } }`,
      "The document has more than 50 aliases",
      "GRAPHQL_VALIDATION_FAILED",
    ],
    [
      "levels",
      `subscription { stockTransactionCreated { node { ${"stock { transactions(first: 1) { nodes { ".repeat(4)} id ${"} } } ".repeat(4)} } } }`,
      "The operation has more than 12 levels of fields",
      "GRAPHQL_VALIDATION_FAILED",
    ],
  ])("holds every document to the limit of %s", async (_name, query, message, code) => {
    const answers = await ask({ query });
    expect(answers).toEqual([refused("1", message, { code, status: 400 }, { locations: expect.any(Array) })]);
  });

  const madeUp = Buffer.from(`["stock-transactions:OLDEST_FIRST","4611686018427387904"]`).toString("base64url");
  const newest = Buffer.from(`["stock-transactions:NEWEST_FIRST","1"]`).toString("base64url");
  const badArguments: [string, object, string, string][] = [
    ["a cursor that is made up", { after: "here" }, "after", "after is not a cursor of this list in this order"],
    ["a cursor of another list", { after: newest }, "after", "after is not a cursor of this list in this order"],
    ["a cursor beyond the ledger", { after: madeUp }, "after", "after is a cursor that this ledger has not reached"],
    [
      "too many products",
      { productIds: Array.from({ length: 1_001 }, (_, index) => `p${index}`) },
      "productIds",
      "productIds has more than 1000 values",
    ],
    [
      "a product id that can't be one",
      { productIds: ["a\nb"] },
      "productId",
      "productId has a control character, a line break or half a surrogate pair",
    ],
  ];
  test.each(badArguments)("tells which argument is wrong: %s", async (_name, variables, field, message) => {
    const extensions = { code: "BAD_USER_INPUT", status: 400, field };
    const place = { locations: [{ line: 2, column: 3 }], path: ["stockTransactionCreated"] };
    expect(await ask({ variables })).toEqual(failed({ message, ...place, extensions }));
  });

  test("tells which variable is of the wrong type", async () => {
    const message = `Variable "$after" got invalid value 1; String cannot represent a non string value: 1`;
    const extensions = { code: "BAD_USER_INPUT", status: 400 };
    expect(await ask({ variables: { after: 1 } })).toEqual(
      failed({ message, locations: [{ line: 1, column: 15 }], extensions }),
    );
  });

  /** The one error of a subscription that was understood, and its end. */
  const failed = (error: object): FeedMessage[] => [
    { id: "1", type: "next", payload: { errors: [error] } },
    { id: "1", type: "complete" },
  ];

  /** All that is answered; the connection goes on with other subscriptions meanwhile. */
  async function ask(payload: object): Promise<FeedMessage[]> {
    const productId = newProduct();
    const socket = await FeedSocket.admitted(world.url, token);
    socket.subscribe("live", { variables: { productIds: [productId], after: await world.tip() } });
    socket.subscribe("1", payload);
    const answers = [await socket.receive()];
    await world.receive(productId);
    while (answers.at(-1)?.id !== "live") answers.push(await socket.receive());
    expect(answers.pop()?.payload.data.stockTransactionCreated.node).toEqual({ productId, version: 1 });
    await socket.close();
    return answers;
  }
});
