import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "pg";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { FaultyProxy } from "../../torture/world/faulty-proxy.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";

/** A gateway that gives up after three seconds, not ten, on a database that a proxy stands in front of. */
let database: TestDatabase;
let proxy: FaultyProxy;
let gateway: TestGateway;
let shop: Shop;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const url = new URL(database.url);
  proxy = await FaultyProxy.open({ host: url.hostname, port: Number(url.port) });
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  const prisma = createPrisma(url.href, { poolSize: 2, name: "groups", preparesStatements: true });
  const settler = new GroupCommit(new PrismaInventoryStorage(prisma), { deadlineMs: 3_000 });
  gateway = await startTestGateway({ databaseUrl: database.url, settler });
  shop = await Shop.open(gateway);
  closers.push(
    () => gateway.close(),
    () => settler.close(),
    () => prisma.$disconnect(),
    () => proxy.close(),
  );
});

afterAll(async () => {
  expect(await auditLedger(database.url)).toEqual([]);
  for (const close of closers) await close();
  await database.drop();
});

const lookUp = `query ($key: String!) {
  stockTransactionByIdempotencyKey(idempotencyKey: $key) { replayed transaction { version availableAfter } error { code } }
}`;

test("F21: many more requests than connections, behind a transaction that stalls: all are answered in time, and then it works again", async () => {
  await shop.move({ productId: "F21", action: "INCREMENT", quantity: 1_000 });
  const stalled = new Client({ connectionString: database.url });
  await stalled.connect();
  await stalled.query("BEGIN");
  await stalled.query("SELECT FROM stock WHERE product_id = 'F21' FOR UPDATE");
  const allocate = { productId: "F21", action: "ALLOCATE", quantity: 1 };
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => shop.move({ ...allocate, idempotencyKey: `F21 ${index}` })),
  );
  for (const { httpStatus, moved, refusal } of answers)
    expect({ httpStatus, moved, refusal }).toEqual({
      httpStatus: 200,
      moved: null,
      refusal: { code: "SERVICE_UNAVAILABLE", status: 503, outcome: "not applied", retryAfterSeconds: 1 },
    });
  expect(await shop.moveOverRest(allocate)).toBe(503);
  await stalled.query("ROLLBACK");
  await stalled.end();

  const again = await Promise.all(
    Array.from({ length: 200 }, (_, index) => shop.move({ ...allocate, idempotencyKey: `F21 ${index}` })),
  );
  expect(new Set(again.map(({ moved, replayed }) => `${moved !== null} ${replayed}`))).toEqual(new Set(["true false"]));
  expect(await shop.levels("F21")).toEqual({ available: 800, allocated: 200, version: 201 });
});

test("F24: COMMIT's answer is lost and the database stays away: the client hears that nobody knows, and its key tells later", async () => {
  await shop.move({ productId: "F24", action: "INCREMENT", quantity: 5 });
  let isAway = false;
  const committed = new Promise<void>((resolve) => {
    proxy.behave(({ link, direction, bytes }) => {
      if (isAway && direction === "answer") return resolve();
      if (isAway) return link.cut();
      isAway = bytes.includes("COMMIT");
      link.hasLostBytes = isAway;
      link.forward(direction, bytes);
    });
  });
  const move = { productId: "F24", action: "ALLOCATE", quantity: 2, idempotencyKey: "F24" };
  const answer = shop.move(move);
  await committed;
  expect(await answer).toEqual({
    httpStatus: 200,
    moved: null,
    refusal: { code: "SERVICE_UNAVAILABLE", status: 503, outcome: "unknown", retryAfterSeconds: 1 },
    replayed: false,
  });
  proxy.heal();
  const { body } = await shop.graphql(lookUp, { key: "F24" });
  expect(body.data).toEqual({
    stockTransactionByIdempotencyKey: { replayed: true, transaction: { version: 2, availableAfter: 3 }, error: null },
  });
  expect(await shop.move(move)).toMatchObject({ moved: { version: 2, availableAfter: 3 }, replayed: true });
  expect(await shop.levels("F24")).toEqual({ available: 3, allocated: 2, version: 2 });
});
