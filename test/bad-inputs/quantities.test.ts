import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { documentRefusal, errorEntry, inputRefusal, requestRefusal, restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open();
});

afterAll(() => target.close());

const document = `mutation ($q: Int!) { createStockTransaction(productId: "shirt", action: ACTION, quantity: $q) { version } }`;

/** Sends a quantity as JSON text over both transports. */
async function sendQuantity(quantity: string, action: string): Promise<{ graphql: Answer; rest: Answer }> {
  const query = JSON.stringify(document.replace("ACTION", action.toUpperCase()));
  const data = `{"type":"stock-transaction","action":"${action}","quantity":${quantity}}`;
  return {
    graphql: await target.send("/graphql", { body: `{"query":${query},"variables":{"q":${quantity}}}` }),
    rest: await target.send("/v2/inventories/shirt/transactions", { body: `{"data":${data}}` }),
  };
}

/** The domain's refusal, which has the document's place and not that of {@link Target.move}. */
function refusedQuantity(min: number): Answer {
  const { body } = inputRefusal("quantity", `quantity has to be an integer from ${min} to 2147483647`);
  const [entry] = (body as { errors: [object] }).errors;
  return { status: 200, body: { data: null, errors: [{ ...entry, locations: [{ line: 1, column: 23 }] }] } };
}

describe.each(["increment", "decrement", "allocate", "deallocate"])("%s", (action) => {
  test.each([
    ["0", "data.quantity has to be at least 1"],
    ["-1", "data.quantity has to be at least 1"],
    ["-0", "data.quantity has to be at least 1"],
    ["-2147483648", "data.quantity has to be at least 1"],
  ])("B01: quantity %s is BAD_USER_INPUT and has no effect", async (quantity, detail) => {
    const { graphql, rest } = await target.withoutEffect(() => sendQuantity(quantity, action));
    expect(graphql).toEqual(refusedQuantity(1));
    expect(rest).toEqual(restRefusal(400, detail));
  });

  test.each([
    ["1.5", "a fraction"],
    ["true", "a boolean"],
    ["[5]", "an array"],
    ["{}", "an object"],
    [`"5"`, "a string"],
  ])("B02: quantity %s is HTTP 400 and has no effect", async (quantity, kind) => {
    const { graphql, rest } = await target.withoutEffect(() => sendQuantity(quantity, action));
    expect(graphql).toEqual(
      documentRefusal(
        `Variable "$q" got invalid value ${quantity}; Int cannot represent non-integer value: ${quantity}`,
      ),
    );
    expect(rest).toEqual(restRefusal(400, `data.quantity has to be an integer, not ${kind}`));
  });

  test("B02: quantity null is HTTP 400 and has no effect", async () => {
    const { graphql, rest } = await target.withoutEffect(() => sendQuantity("null", action));
    expect(graphql).toEqual(documentRefusal(`Variable "$q" of non-null type "Int!" must not be null.`));
    expect(rest).toEqual(restRefusal(400, "data.quantity has to be an integer, not null"));
  });

  test.each(["NaN", "Infinity", "-Infinity", "0x10", "1_000", "05", "+5", ".5", "5."])(
    "B04, B07: a bare %s in the JSON is HTTP 400 with a JSON body and has no effect",
    async (quantity) => {
      const { graphql, rest } = await target.withoutEffect(() => sendQuantity(quantity, action));
      expect(graphql).toEqual(requestRefusal(400, "Invalid JSON in the body", "BAD_USER_INPUT"));
      expect(rest).toEqual(restRefusal(400, "The body is not JSON"));
    },
  );

  test.each(["2147483648", "9007199254740993", "9".repeat(10_000), "1e400"])(
    "B06: quantity %.20s is HTTP 400, fast, and has no effect",
    async (quantity) => {
      const { graphql, rest } = await target.withoutEffect(() => sendQuantity(quantity, action));
      expect(graphql).toEqual(
        documentRefusal(expect.stringMatching(/^Variable "\$q" got invalid value [^;]+; Int cannot /)),
      );
      const isFinite = Number.isFinite(Number(quantity));
      const fault = isFinite ? "has to be at most 2147483647" : "has to be an integer, not a number that large";
      expect(rest).toEqual(restRefusal(400, `data.quantity ${fault}`));
    },
  );

  test.each(["0x10", "1_000", " 5 ", "+5", "٥", "５", "5", ""])(
    "B07: quantity %j as text is HTTP 400 and has no effect",
    async (quantity) => {
      const { graphql, rest } = await target.withoutEffect(() => sendQuantity(JSON.stringify(quantity), action));
      const value = JSON.stringify(quantity);
      expect(graphql).toEqual(
        documentRefusal(`Variable "$q" got invalid value ${value}; Int cannot represent non-integer value: ${value}`),
      );
      expect(rest).toEqual(restRefusal(400, "data.quantity has to be an integer, not a string"));
    },
  );
});

test("B01: only a product that starts to be tracked may start with 0", async () => {
  expect(await target.move({ productId: "empty", action: "CREATE", quantity: 0 })).toEqual({
    status: 200,
    body: { data: { createStockTransaction: { version: 1, availableAfter: 0, allocatedAfter: 0 } } },
  });
  const refused = await target.withoutEffect(() =>
    target.move({ productId: "negative", action: "CREATE", quantity: -1 }),
  );
  expect(refused).toEqual(inputRefusal("quantity", "quantity has to be an integer from 0 to 2147483647"));
});

test("B03: 1.0 and 1e3 are 1 and 1000 over both transports", async () => {
  for (const [quantity, available] of [
    ["1.0", [11, 12]],
    ["1e3", [1_012, 2_012]],
  ] as const) {
    const { graphql, rest } = await sendQuantity(quantity, "increment");
    expect(graphql).toMatchObject({ status: 200, body: { data: { createStockTransaction: {} } } });
    expect(rest).toMatchObject({
      status: 200,
      body: { data: { quantity: Number(quantity), type: "stock-transaction" } },
    });
    const stock = await target.graphql(`{ stock(productId: "shirt") { available } }`);
    expect(stock.body).toEqual({ data: { stock: { available: available[1] } } });
  }
  await target.move({ productId: "shirt", action: "DECREMENT", quantity: 2_002 });
});

test("B05: 2147483647 is accepted where the level allows, else QUANTITY_OUT_OF_RANGE", async () => {
  const full = { productId: "full", action: "INCREMENT", quantity: 2_147_483_647 };
  expect(await target.move(full)).toEqual({
    status: 200,
    body: { data: { createStockTransaction: { version: 1, availableAfter: 2_147_483_647, allocatedAfter: 0 } } },
  });
  const message = "The stock level would pass 2147483647";
  const { graphql, rest } = await target.withoutEffect(async () => ({
    graphql: await target.move({ ...full, quantity: 1 }),
    rest: await target.moveOverRest("full", { action: "increment", quantity: 2_147_483_647 }),
  }));
  const levels = { available: 2_147_483_647, allocated: 0, version: 1 };
  expect(graphql).toEqual(
    errorEntry(message, {
      code: "QUANTITY_OUT_OF_RANGE",
      status: 422,
      title: "Cannot complete request",
      detail: message,
      productId: "full",
      action: "INCREMENT",
      requested: 1,
      ...levels,
      replayed: false,
    }),
  );
  expect(rest).toEqual(restRefusal(422, message));
});

test.each([
  ["DECREMENT", 11],
  ["ALLOCATE", 11],
  ["DEALLOCATE", 6],
  ["DECREMENT", 2_147_483_647],
])("B08: %s of %i, which is more than there is, is INSUFFICIENT_STOCK and has no effect", async (action, quantity) => {
  const message = "Your request could not be completed due to insufficient stock levels";
  const { graphql, rest, version } = await target.withoutEffect(async () => {
    const stock = await target.graphql(`{ stock(productId: "shirt") { version } }`);
    return {
      version: (stock.body as { data: { stock: { version: number } } }).data.stock.version,
      graphql: await target.move({ productId: "shirt", action, quantity }),
      rest: await target.moveOverRest("shirt", { action: action.toLowerCase(), quantity }),
    };
  });
  const extensions = { code: "INSUFFICIENT_STOCK", status: 422, title: "Cannot complete request", detail: message };
  const asked = { productId: "shirt", action, requested: quantity };
  expect(graphql).toEqual(
    errorEntry(message, { ...extensions, ...asked, available: 10, allocated: 5, version, replayed: false }),
  );
  expect(rest).toEqual(restRefusal(422, message));
});
