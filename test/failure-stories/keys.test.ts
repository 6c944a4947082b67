import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

let database: TestDatabase;
let gateways: readonly [TestGateway, TestGateway];
let shops: readonly [Shop, Shop];

beforeAll(async () => {
  database = await createDatabase();
  const first = await startTestGateway({ databaseUrl: database.url });
  gateways = [first, await startTestGateway({ databaseUrl: database.url })];
  // One client, whichever gateway it asks.
  shops = [await Shop.open(first), new Shop(gateways[1].url, await first.token())];
});

afterAll(async () => {
  expect(await auditLedger(database.url)).toEqual([]);
  for (const gateway of gateways) await gateway.close();
  await database.drop();
});

describe("an idempotency key", () => {
  test("F09, F10: 50 identical requests over two gateways make one stock transaction, and all get it", async () => {
    const move = { productId: "F09", action: "INCREMENT", quantity: 4, idempotencyKey: "F09" };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => shops[index % 2 === 0 ? 0 : 1].move(move)),
    );
    const [first] = answers;
    for (const { httpStatus, moved, refusal } of answers)
      expect({ httpStatus, moved, refusal }).toEqual({ httpStatus: 200, moved: first?.moved, refusal: null });
    expect(first?.moved).toMatchObject({ version: 1, availableAfter: 4 });
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await shops[1].levels("F09")).toEqual({ available: 4, allocated: 0, version: 1 });
  });

  test("F11: an answer that was lost on its way is got again with the key", async () => {
    const target = new URL(gateways[0].url);
    const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
    const through = new Shop(`http://127.0.0.1:${proxy.port}`, await gateways[0].token());
    const move = { productId: "F11", action: "INCREMENT", quantity: 4, idempotencyKey: "F11" };

    const cut = proxy.dropAnswerTo("createStockTransaction");
    await expect(through.move(move)).rejects.toThrow("fetch failed");
    await cut;
    const again = await through.move(move);
    expect(again).toMatchObject({ moved: { version: 1, availableAfter: 4 }, replayed: true });
    expect((await shops[1].move(move)).moved).toEqual(again.moved);
    const query = `query ($key: String!) { stockTransactionByIdempotencyKey(idempotencyKey: $key) { replayed transaction { id } error { code } } }`;
    const { body } = await shops[1].graphql(query, { key: "F11" });
    expect(body.data).toEqual({
      stockTransactionByIdempotencyKey: { replayed: true, transaction: { id: again.moved?.id }, error: null },
    });
    expect(await shops[0].levels("F11")).toEqual({ available: 4, allocated: 0, version: 1 });
    await proxy.close();
  });

  test("F12: a refusal stays a refusal after a restock; a new key succeeds", async () => {
    const move = { productId: "F12", action: "ALLOCATE", quantity: 5, idempotencyKey: "F12" };
    await shops[0].move({ productId: "F12", action: "INCREMENT", quantity: 1 });
    const refused = await shops[0].move(move);
    expect(refused).toMatchObject({
      moved: null,
      replayed: false,
      refusal: { code: "INSUFFICIENT_STOCK", available: 1, version: 1 },
    });
    await shops[0].move({ productId: "F12", action: "INCREMENT", quantity: 100 });
    const again = await shops[1].move(move);
    expect(again.replayed).toBe(true);
    expect(again.refusal).toEqual({ ...refused.refusal, replayed: true });
    expect((await shops[1].move({ ...move, idempotencyKey: "F12 again" })).moved).toMatchObject({
      availableAfter: 96,
      allocatedAfter: 5,
    });
  });

  test("F13: refuses the key with other arguments; another client's same key is another key", async () => {
    const move = { productId: "F13", action: "INCREMENT", quantity: 2, idempotencyKey: "F13" };
    await shops[0].move(move);
    for (const other of [{ quantity: 3 }, { action: "CREATE" }, { productId: "F13 other" }, { expectedVersion: 0 }]) {
      const { moved, refusal } = await shops[1].move({ ...move, ...other });
      expect(moved).toBeNull();
      expect(refusal).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", status: 422 });
    }
    expect(await shops[0].levels("F13")).toEqual({ available: 2, allocated: 0, version: 1 });
    expect(await shops[0].levels("F13 other")).toBeNull();

    const stranger = new Shop(gateways[0].url, await gateways[0].token(["inventory:read", "inventory:write"]));
    const answer = await stranger.move({ ...move, quantity: 9 });
    expect(answer).toMatchObject({ moved: { version: 2, availableAfter: 11 }, refusal: null, replayed: false });
  });

  test("is spent on every line of a batch that is not applied, and answers the whole batch again the same way", async () => {
    await shops[0].move({ productId: "batch", action: "INCREMENT", quantity: 10 });
    const lines = [6, 6].map((quantity, index) => ({
      productId: "batch",
      action: "ALLOCATE",
      quantity,
      idempotencyKey: `batch ${index}`,
    }));
    const first = await shops[0].moveAll(lines, "ALL_OR_NOTHING");
    expect(first.map(({ error }) => error?.["code"])).toEqual(["BATCH_NOT_APPLIED", "INSUFFICIENT_STOCK"]);
    await shops[0].move({ productId: "batch", action: "INCREMENT", quantity: 100 });
    expect(await shops[1].moveAll(lines, "ALL_OR_NOTHING")).toEqual(first.map((line) => ({ ...line, replayed: true })));
    expect(await shops[0].levels("batch")).toEqual({ available: 110, allocated: 0, version: 2 });
  });

  test("sent twice in one batch applies once", async () => {
    const line = { productId: "twice", action: "INCREMENT", quantity: 3, idempotencyKey: "twice" };
    const [first, second] = await shops[0].moveAll([line, line], "ALL_OR_NOTHING");
    expect(first).toMatchObject({
      index: 0,
      replayed: false,
      transaction: { version: 1, availableAfter: 3 },
      error: null,
    });
    expect(second).toEqual({ ...first, index: 1, replayed: true });
  });
});
