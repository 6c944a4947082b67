import { request } from "node:http";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { errorEntry, inputRefusal, restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open();
});

afterAll(() => target.close());

const increment = { productId: "shirt", action: "INCREMENT", quantity: 1 };
const restIncrement = { action: "increment", quantity: 1 };
const length = "idempotencyKey has to have 1 to 255 characters";
const characters = "idempotencyKey may only have printable ASCII characters, with no space at either end";

test.each([
  ["", length],
  ["k".repeat(256), length],
  ["a\rb", characters],
  ["a\nb", characters],
  ["a\u0000b", characters],
  ["clé", characters],
  ["ключ", characters],
  [" a", characters],
])("B20: the key %.10j is BAD_USER_INPUT and has no effect", async (idempotencyKey, message) => {
  const answer = await target.withoutEffect(() => target.move({ ...increment, idempotencyKey }));
  expect(answer).toEqual(inputRefusal("idempotencyKey", message));
});

test.each([
  ["", length],
  ["k".repeat(256), length],
  ["cl\u00e9", characters],
  ["a\tb", characters],
])("B20: the header %.10j is refused over both transports and has no effect", async (key, message) => {
  const headers = { "idempotency-key": key };
  const [graphql, rest] = await target.withoutEffect(async () => [
    await target.move(increment, headers),
    await target.moveOverRest("shirt", restIncrement, headers),
  ]);
  expect(graphql).toEqual(inputRefusal("idempotencyKey", message));
  expect(rest).toEqual(restRefusal(400, message.replace("idempotencyKey", "Idempotency-Key")));
});

test.each([
  ["CR", "a\rb"],
  ["LF", "a\nb"],
  ["NUL", "a\u0000b"],
])("B20: %s in a header is no HTTP, and has no effect", async (_name, key) => {
  const head = `POST /v2/inventories/shirt HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${target.token}\r\nContent-Type: application/json`;
  const body = JSON.stringify({ data: { quantity: 1 } });
  const bytes = `${head}\r\nIdempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await target.withoutEffect(() => target.sendBytes(bytes));
  expect(answer).toEqual(restRefusal(400, "The request can't be read as HTTP"));
});

/** Sends headers apart: fetch would join them. */
async function sendKeys(path: string, body: object, keys: readonly string[]): Promise<Answer> {
  const { hostname, port } = new URL(target.gateway.url);
  const common = ["host", `${hostname}:${port}`, "authorization", `Bearer ${target.token}`];
  const headers = [...common, "content-type", "application/json", ...keys.flatMap((key) => ["idempotency-key", key])];
  const sent = request({ hostname, port, method: "POST", path, headers }).end(JSON.stringify(body));
  const [response] = await once(sent, "response");
  return { status: response.statusCode, body: await json(response) };
}

test.each([[["a", "b"]], [["a, b"]], [["a,b"]], [["a", "a", "b"]]])(
  "B21: Idempotency-Key headers %j are 400 over both transports and have no effect",
  async (keys) => {
    const query = `mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1) { version } }`;
    const [graphql, rest] = await target.withoutEffect(async () => [
      await sendKeys("/graphql", { query }, keys),
      await sendKeys(
        "/v2/inventories/shirt/transactions",
        { data: { type: "stock-transaction", ...restIncrement } },
        keys,
      ),
    ]);
    const extensions = { code: "BAD_USER_INPUT", status: 400, field: "idempotencyKey" };
    expect(graphql).toEqual({
      status: 400,
      body: { errors: [{ message: "There are two different Idempotency-Key headers", extensions }] },
    });
    expect(rest).toEqual(restRefusal(400, "Idempotency-Key has to be one key, without a comma"));
  },
);

test("B22: a header that is not the argument is refused and has no effect", async () => {
  const answer = await target.withoutEffect(() =>
    target.move({ ...increment, idempotencyKey: "a" }, { "idempotency-key": "b" }),
  );
  expect(answer).toEqual(inputRefusal("idempotencyKey", "idempotencyKey is not the key of the Idempotency-Key header"));
});

test.each([
  ["action", { action: "DECREMENT" }],
  ["quantity", { quantity: 2 }],
  ["product", { productId: "other" }],
  ["reference", { reference: "another" }],
])(
  "B23: a key spent on another %s is IDEMPOTENCY_KEY_REUSED over both transports, and has no effect",
  async (what, changed) => {
    const idempotencyKey = `spent on another ${what}`;
    expect((await target.move({ ...increment, idempotencyKey })).status).toBe(200);
    const asked = { ...increment, ...changed };
    const { productId, action, quantity, ...more } = asked;
    const [graphql, rest] = await target.withoutEffect(async () => [
      await target.move({ ...asked, idempotencyKey }),
      await target.moveOverRest(
        productId,
        { action: action.toLowerCase(), quantity, ...more },
        { "idempotency-key": idempotencyKey },
      ),
    ]);
    const message = "The idempotency key was used for a request with other arguments";
    const levels = { available: null, allocated: null, version: null };
    const extensions = {
      code: "IDEMPOTENCY_KEY_REUSED",
      status: 422,
      title: "Cannot complete request",
      detail: message,
    };
    expect(graphql).toEqual(
      errorEntry(message, { ...extensions, productId, action, requested: quantity, ...levels, replayed: false }),
    );
    expect(rest).toEqual(restRefusal(422, message));
  },
);

test("B24: another client's same key is independent, and tells nothing of the first", async () => {
  const idempotencyKey = "shared";
  const first = await target.move({ ...increment, quantity: 3, idempotencyKey });
  expect(first.status).toBe(200);
  const other = { authorization: `Bearer ${await target.gateway.token(["inventory:read", "inventory:write"])}` };
  const query = `{ stockTransactionByIdempotencyKey(idempotencyKey: "shared") { transaction { version } } }`;
  expect((await target.graphql(query, {}, other)).body).toEqual({ data: { stockTransactionByIdempotencyKey: null } });
  const second = await target.move({ productId: "hat", action: "INCREMENT", quantity: 1, idempotencyKey }, other);
  expect(second.body).toEqual({
    data: { createStockTransaction: { version: 1, availableAfter: 1, allocatedAfter: 0 } },
  });
  expect(await target.withoutEffect(() => target.move({ ...increment, quantity: 3, idempotencyKey }))).toEqual(first);
});
