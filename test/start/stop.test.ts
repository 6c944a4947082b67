import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Shop } from "../support/shop.ts";
import {
  embeddedUrlOf,
  eventually,
  isAlive,
  isListening,
  lockStock,
  openShop,
  postmasterOf,
  query,
  Premises,
} from "./support.ts";
import type { Run } from "./support.ts";

/** One embedded database for all tests, each with products and a gateway of its own. */
const premises = new Premises();
let settings: { readonly DATA_DIR: string; readonly LOG_LEVEL: string };

beforeAll(async () => {
  settings = { DATA_DIR: await premises.createFolder(), LOG_LEVEL: "error" };
});
afterEach(() => premises.endRuns());
afterAll(() => premises.clear());

describe.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s", (signal) => {
  test("has every request that was accepted answered, ends with 0 and stops the embedded server; idle connections keep nobody", async () => {
    const run = premises.start(settings);
    const { shop, url } = await openingOf(run);
    const postmaster = postmasterOf(settings.DATA_DIR) ?? 0;
    const productId = `drained on ${signal}`;
    await shop.move({ productId, action: "INCREMENT", quantity: 1 });
    const idle = await openIdleConnection(url);
    const lock = await lockStock(await embeddedUrlOf(settings.DATA_DIR), productId);
    const answers = [2, 3, 4].map((quantity) => shop.move({ productId, action: "INCREMENT", quantity }));
    await waitUntilBlocked();

    const ended = run.stop(signal);
    await eventually("no more connections are taken", async () => !(await isListening(url)));
    expect(run.hasEnded).toBe(false);
    await lock.release();
    const answered = (await Promise.all(answers)).map(({ httpStatus, moved }) => [httpStatus, moved?.version]);
    // They came over several connections, in whatever order.
    expect(answered.toSorted(([, one], [, other]) => Number(one) - Number(other))).toEqual([
      [200, 2],
      [200, 3],
      [200, 4],
    ]);
    expect(await ended).toBe(0);
    expect(run.stderr).toBe("");
    expect(isAlive(postmaster)).toBe(false);
    idle.destroy();
  });
});

test.each([
  ["Ctrl-C, which reaches the gateway from the terminal and from npm,", "SIGINT", -1],
  ["SIGTERM to npm alone", "SIGTERM", 1],
] as const)("npm start: %s drains and stops the embedded server", async (_name, signal, side) => {
  const npm = premises.spawn("npm", ["start"], { ...settings, PORT: "0" });
  const { shop, url } = await openingOf(npm);
  const postmaster = postmasterOf(settings.DATA_DIR) ?? 0;
  const productId = `below npm on ${signal}`;
  await shop.move({ productId, action: "INCREMENT", quantity: 1 });
  const lock = await lockStock(await embeddedUrlOf(settings.DATA_DIR), productId);
  const answer = shop.move({ productId, action: "INCREMENT", quantity: 1 });
  await waitUntilBlocked();

  process.kill(side * npm.pid, signal);
  await eventually("no more connections are taken", async () => !(await isListening(url)));
  await lock.release();
  expect((await answer).moved?.version).toBe(2);
  expect(await npm.ended).toEqual({ code: 0, signal: null });
  expect(isAlive(postmaster)).toBe(false);
});

test("F23: what was answered under load is in the ledger after SIGTERM and a restart, once", async () => {
  const run = premises.start(settings);
  const { shop } = await openingOf(run);
  const answered = new Map<string, string>();
  const ends: Promise<number | null>[] = [];
  const work = async (worker: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const idempotencyKey = `F23 ${worker} ${index}`;
      const move = { productId: `F23 ${index % 5}`, action: "INCREMENT", quantity: 1, idempotencyKey };
      // Once it listens no more, connections are refused or closed: nothing was promised then.
      const answer = await shop.move(move).catch(() => null);
      if (answer?.moved == null) return;
      answered.set(idempotencyKey, answer.moved.id);
      if (answered.size === 200) ends.push(run.stop());
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, worker) => work(worker)));
  expect(await Promise.all(ends)).toEqual([0]);
  expect(answered.size).toBeGreaterThanOrEqual(200);

  await premises.start(settings).serving();
  const rows = await query(
    await embeddedUrlOf(settings.DATA_DIR),
    "SELECT idempotency_key, id FROM stock_transaction WHERE product_id LIKE 'F23 %'",
  );
  const recorded = rows.map((row) => [String(row["idempotency_key"]), String(row["id"])] as const);
  expect(new Set(recorded.map(([key]) => key)).size).toBe(recorded.length);
  expect(new Map(recorded.filter(([key]) => answered.has(key)))).toEqual(
    new Map([...answered].toSorted(byPlaceIn(recorded))),
  );
});

test("a drain that takes longer than DRAIN_TIMEOUT_SECONDS ends with 1 and says so; the embedded server stops all the same", async () => {
  const run = premises.start({ ...settings, DRAIN_TIMEOUT_SECONDS: "1" });
  const { shop } = await openingOf(run);
  const postmaster = postmasterOf(settings.DATA_DIR) ?? 0;
  await shop.move({ productId: "stuck", action: "INCREMENT", quantity: 1 });
  const lock = await lockStock(await embeddedUrlOf(settings.DATA_DIR), "stuck");
  const answer = shop.move({ productId: "stuck", action: "INCREMENT", quantity: 1 }).catch((error: unknown) => error);
  await waitUntilBlocked();
  expect(await run.stop()).toBe(1);
  expect(JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
    level: 50,
    msg: "The drain took longer than DRAIN_TIMEOUT_SECONDS",
  });
  expect(isAlive(postmaster)).toBe(false);
  await answer;
  await lock.release();
});

describe("a signal that comes while it starts ends the start with 0, without a word, and nothing stays behind:", () => {
  test("SIGTERM while the embedded server starts", async () => {
    const run = premises.start(settings);
    await eventually("the embedded server starts", () => run.hasEnded || postmasterOf(settings.DATA_DIR) !== null);
    expect(await run.stop()).toBe(0);
    expect(run.stdout + run.stderr).toBe("");
    expect(postmasterOf(settings.DATA_DIR)).toBeNull();
  });

  test("SIGTERM to every process while the database's folder is made", async () => {
    const dataDir = await premises.createFolder();
    const run = premises.start({ DATA_DIR: dataDir });
    const isMaking = (): boolean =>
      readdirSync(dataDir, { recursive: true, encoding: "utf8" }).some((name) => name.endsWith("/PG_VERSION"));
    await eventually("initdb has begun", isMaking);
    process.kill(-run.pid, "SIGTERM");
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stdout + run.stderr).toBe("");
    expect(postmasterOf(dataDir)).toBeNull();
    expect(readdirSync(dataDir).filter((name) => name.startsWith("initdb-"))).toEqual([]);
  });
});

test("a start that fails by itself while it is stopped says why, as without the stop", async () => {
  const runs: Run[] = [];
  const database = createServer((socket) => {
    for (const { pid } of runs) process.kill(pid, "SIGTERM");
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(database, "listening");
  const { port } = database.address() as AddressInfo;
  const run = premises.start({ ...settings, DATABASE_URL: `postgresql://user@127.0.0.1:${port}/stock` });
  runs.push(run);
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stdout).toBe("");
  expect(run.stderr).toMatch(/^inventory-gateway: DATABASE_URL: the database can't be reached: .+\n$/);
  database.close();
});

test("a second signal in the same moment is the same Ctrl-C; a later one ends it at once, with 1", async () => {
  const run = premises.start(settings);
  const { shop, url } = await openingOf(run);
  await shop.move({ productId: "hurried", action: "INCREMENT", quantity: 1 });
  const lock = await lockStock(await embeddedUrlOf(settings.DATA_DIR), "hurried");
  const answer = shop.move({ productId: "hurried", action: "INCREMENT", quantity: 1 }).catch((error: unknown) => error);
  await waitUntilBlocked();
  const began = performance.now();
  const interrupt = (): void => {
    if (!run.hasEnded) process.kill(run.pid, "SIGINT");
  };
  interrupt();
  await eventually("no more connections are taken", async () => {
    interrupt();
    return !(await isListening(url));
  });
  await eventually("it ends", () => {
    interrupt();
    return run.hasEnded;
  });
  expect(await run.ended).toEqual({ code: 1, signal: null });
  // The moment is a second from the first one on.
  expect(performance.now() - began).toBeGreaterThan(1_000);
  await answer;
  await lock.release();
});

async function openingOf(run: Run): Promise<{ shop: Shop; url: string }> {
  const url = await run.serving();
  return { shop: await openShop(url, settings.DATA_DIR), url };
}

/** Until a group of stock transactions waits for a lock. */
async function waitUntilBlocked(): Promise<void> {
  const databaseUrl = await embeddedUrlOf(settings.DATA_DIR);
  const waiting =
    "SELECT FROM pg_stat_activity WHERE application_name = 'inventory-gateway groups' AND wait_event_type = 'Lock'";
  await eventually("a group waits for the lock", async () => (await query(databaseUrl, waiting)).length > 0);
}

/** A connection that has been used once and is kept open by its client. */
async function openIdleConnection(url: string): Promise<Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await new Promise<void>((resolve, reject) => {
    request(`${url}/healthz`, { agent }, (response) => response.resume().once("end", resolve))
      .once("error", reject)
      .end();
  });
  return agent;
}

function byPlaceIn(recorded: readonly (readonly [string, string])[]) {
  const places = new Map(recorded.map(([key], place) => [key, place]));
  return ([left]: [string, string], [right]: [string, string]): number =>
    (places.get(left) ?? -1) - (places.get(right) ?? -1);
}
