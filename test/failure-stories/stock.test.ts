import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";
import type { MoveAnswer } from "../support/shop.ts";

let database: TestDatabase;
let gateways: readonly TestGateway[];
let shops: readonly [Shop, Shop];

beforeAll(async () => {
  database = await createDatabase();
  const first = await startTestGateway({ databaseUrl: database.url });
  const second = await startTestGateway({ databaseUrl: database.url });
  gateways = [first, second];
  shops = [await Shop.open(first), new Shop(second.url, await first.token())];
});

afterAll(async () => {
  expect(await auditLedger(database.url)).toEqual([]);
  for (const gateway of gateways) await gateway.close();
  await database.drop();
});

/** Asks through both gateways in turn, all at once. */
function inParallel<T>(count: number, ask: (shop: Shop, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => ask(shops[index % 2 === 0 ? 0 : 1], index)));
}

function codesOf(answers: readonly MoveAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { moved, refusal } of answers) {
    const code = moved === null ? String(refusal?.["code"]) : "APPLIED";
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

describe("two gateways over one database", () => {
  test("F01: allocate the last unit once, however many ask at once", async () => {
    await shops[0].move({ productId: "F01", action: "INCREMENT", quantity: 1 });
    const answers = await inParallel(50, (shop) => shop.move({ productId: "F01", action: "ALLOCATE", quantity: 1 }));
    expect(codesOf(answers)).toEqual({ APPLIED: 1, INSUFFICIENT_STOCK: 49 });
    for (const { httpStatus, refusal } of answers.filter(({ moved }) => moved === null)) {
      expect(httpStatus).toBe(200);
      expect(refusal).toMatchObject({ status: 422, requested: 1, available: 0, allocated: 1, version: 2 });
    }
    expect(await shops[1].levels("F01")).toEqual({ available: 0, allocated: 1, version: 2 });
  });

  test("F02: count 200 parallel increments, versions without a gap", async () => {
    const answers = await inParallel(200, (shop) => shop.move({ productId: "F02", action: "INCREMENT", quantity: 1 }));
    const versions = answers.map(({ moved }) => moved?.version ?? 0).toSorted((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(await shops[0].levels("F02")).toEqual({ available: 200, allocated: 0, version: 200 });
  });

  test("F03, F06: levels, ledger and effects agree after every way of writing has run in parallel", async () => {
    const productIds = ["F06 a", "F06 b", "F06 c"];
    const statuses = new Set<number | string>();
    await inParallel(12, async (shop, worker) => {
      for (let round = 0; round < 15; round += 1) {
        const productId = productIds[(worker + round) % 3] ?? "";
        const quantity = 1 + ((worker * 7 + round * 3) % 9);
        const action = ["INCREMENT", "DECREMENT", "ALLOCATE", "DEALLOCATE"][(worker + round * 5) % 4] ?? "";
        const way = (worker + round) % 5;
        if (way === 0) statuses.add((await shop.move({ productId, action, quantity })).httpStatus);
        if (way === 1) statuses.add(await shop.moveOverRest({ productId, action, quantity }));
        if (way === 2) statuses.add(await shop.createOverRest(productId, quantity));
        if (way === 3) statuses.add(await shop.delete(productId));
        if (way === 4) {
          const lines = productIds.map((id) => ({ productId: id, action, quantity }));
          for (const { error } of await shop.moveAll(lines, round % 2 === 0 ? "EACH" : "ALL_OR_NOTHING"))
            if (error !== null) statuses.add(String(error["code"]));
        }
      }
    });
    for (const status of statuses)
      expect([200, 201, 204, 404, 409, 422, "INSUFFICIENT_STOCK", "STOCK_NOT_FOUND", "BATCH_NOT_APPLIED"]).toContain(
        status,
      );
    expect(await auditLedger(database.url)).toEqual([]);
  });

  test("F07: opposed batches never show a deadlock to a client", async () => {
    for (const productId of ["F07 a", "F07 b"])
      await shops[0].move({ productId, action: "INCREMENT", quantity: 100_000 });
    await inParallel(8, async (shop, worker) => {
      const order = worker % 2 === 0 ? ["F07 a", "F07 b"] : ["F07 b", "F07 a"];
      for (let round = 0; round < 15; round += 1) {
        const lines = await shop.moveAll(
          order.map((productId) => ({ productId, action: "ALLOCATE", quantity: 1 })),
          "ALL_OR_NOTHING",
        );
        expect(lines.map(({ error }) => error)).toEqual([null, null]);
      }
    });
    for (const productId of ["F07 a", "F07 b"])
      expect(await shops[1].levels(productId)).toEqual({ available: 99_880, allocated: 120, version: 121 });
  });

  test("F18: make one stock of 50 first increments", async () => {
    const answers = await inParallel(50, (shop) => shop.move({ productId: "F18", action: "INCREMENT", quantity: 2 }));
    expect(codesOf(answers)).toEqual({ APPLIED: 50 });
    expect(await shops[0].levels("F18")).toEqual({ available: 100, allocated: 0, version: 50 });
  });
});

describe("one gateway", () => {
  test("F04: counts one product's lines of a batch against what the lines before left", async () => {
    const lines = [6, 6].map((quantity) => ({ productId: "F04", action: "ALLOCATE", quantity }));
    await shops[0].move({ productId: "F04", action: "INCREMENT", quantity: 10 });
    expect(await shops[0].moveAll(lines, "ALL_OR_NOTHING")).toEqual([
      {
        index: 0,
        replayed: false,
        transaction: null,
        error: { code: "BATCH_NOT_APPLIED", status: 424, requested: 6, available: 10, allocated: 0, version: 1 },
      },
      {
        index: 1,
        replayed: false,
        transaction: null,
        error: { code: "INSUFFICIENT_STOCK", status: 422, requested: 6, available: 4, allocated: 6, version: 2 },
      },
    ]);
    expect(await shops[0].levels("F04")).toEqual({ available: 10, allocated: 0, version: 1 });
    expect(await shops[0].moveAll(lines, "EACH")).toEqual([
      {
        index: 0,
        replayed: false,
        error: null,
        transaction: { id: expect.any(String), version: 2, availableAfter: 4, allocatedAfter: 6 },
      },
      {
        index: 1,
        replayed: false,
        transaction: null,
        error: { code: "INSUFFICIENT_STOCK", status: 422, requested: 6, available: 4, allocated: 6, version: 2 },
      },
    ]);
    expect(await shops[0].levels("F04")).toEqual({ available: 4, allocated: 6, version: 2 });
  });

  test("F05: refuses a stale expectedVersion with the current one, and changes nothing", async () => {
    await shops[0].move({ productId: "F05", action: "CREATE", quantity: 10 });
    await shops[0].move({ productId: "F05", action: "DECREMENT", quantity: 3, expectedVersion: 1 });
    const { httpStatus, moved, refusal } = await shops[0].move({
      productId: "F05",
      action: "INCREMENT",
      quantity: 5,
      expectedVersion: 1,
    });
    expect({ httpStatus, moved }).toEqual({ httpStatus: 200, moved: null });
    expect(refusal).toMatchObject({ code: "STALE_VERSION", status: 409, version: 2, available: 7, allocated: 0 });
    expect(await shops[0].levels("F05")).toEqual({ available: 7, allocated: 0, version: 2 });
  });

  test("F14: refuses a second release of the same units", async () => {
    await shops[0].move({ productId: "F14", action: "INCREMENT", quantity: 5 });
    await shops[0].move({ productId: "F14", action: "ALLOCATE", quantity: 4 });
    expect((await shops[0].move({ productId: "F14", action: "DEALLOCATE", quantity: 4 })).moved).toMatchObject({
      availableAfter: 5,
      allocatedAfter: 0,
    });
    const { refusal } = await shops[0].move({ productId: "F14", action: "DEALLOCATE", quantity: 4 });
    expect(refusal).toMatchObject({
      code: "INSUFFICIENT_STOCK",
      status: 422,
      requested: 4,
      available: 5,
      allocated: 0,
    });
  });

  test("F16: never refuses a release or a receipt for lack of available stock", async () => {
    await shops[0].move({ productId: "F16", action: "INCREMENT", quantity: 3 });
    await shops[0].move({ productId: "F16", action: "ALLOCATE", quantity: 3 });
    expect((await shops[0].move({ productId: "F16", action: "DEALLOCATE", quantity: 1 })).moved).toMatchObject({
      availableAfter: 1,
      allocatedAfter: 2,
    });
    await shops[0].move({ productId: "F16", action: "DECREMENT", quantity: 1 });
    expect((await shops[0].move({ productId: "F16", action: "INCREMENT", quantity: 2 })).moved).toMatchObject({
      availableAfter: 2,
      allocatedAfter: 2,
    });
  });
});

describe("F20: integers at the edge", () => {
  const levelMax = 2_147_483_647;

  test.each([0, -1])("refuses a quantity of %d as BAD_USER_INPUT", async (quantity) => {
    const { httpStatus, moved, refusal } = await shops[0].move({ productId: "F20", action: "INCREMENT", quantity });
    expect({ httpStatus, moved }).toEqual({ httpStatus: 200, moved: null });
    expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", status: 400, field: "quantity" });
  });

  test.each([1.5, levelMax + 1])("refuses a quantity of %d before anything runs", async (quantity) => {
    const { httpStatus, moved, refusal } = await shops[0].move({ productId: "F20", action: "INCREMENT", quantity });
    expect({ httpStatus, moved }).toEqual({ httpStatus: 400, moved: null });
    expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", status: 400 });
  });

  test("takes the highest level there is, and refuses one unit more in either pool", async () => {
    const full = await shops[0].move({ productId: "F20", action: "INCREMENT", quantity: levelMax });
    expect(full.moved).toMatchObject({ version: 1, availableAfter: levelMax });
    const over = await shops[0].move({ productId: "F20", action: "INCREMENT", quantity: 1 });
    expect(over.refusal).toMatchObject({
      code: "QUANTITY_OUT_OF_RANGE",
      status: 422,
      requested: 1,
      available: levelMax,
      allocated: 0,
    });
    await shops[0].move({ productId: "F20", action: "ALLOCATE", quantity: levelMax });
    const overInAll = await shops[0].move({ productId: "F20", action: "INCREMENT", quantity: 1 });
    expect(overInAll.refusal).toMatchObject({
      code: "QUANTITY_OUT_OF_RANGE",
      status: 422,
      requested: 1,
      available: 0,
      allocated: levelMax,
    });
    expect(await shops[0].levels("F20")).toEqual({ available: 0, allocated: levelMax, version: 2 });
  });
});
