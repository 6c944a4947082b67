import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Shop } from "../support/shop.ts";
import {
  embeddedUrlOf,
  eventually,
  isAlive,
  openShop,
  postmasterOf,
  query,
  requestToken,
  Premises,
} from "./support.ts";
import type { Run } from "./support.ts";

/** One embedded database for all tests, each with products and a gateway of its own. */
const premises = new Premises();
let dataDir: string;
let settings: { readonly DATA_DIR: string; readonly LOG_LEVEL: string };

beforeAll(async () => {
  dataDir = await premises.createFolder();
  settings = { DATA_DIR: dataDir, LOG_LEVEL: "warn" };
  // Makes the client that the tests ask for tokens with, whichever of them comes first.
  const first = premises.start(settings);
  await first.serving();
  await first.stop();
});
afterEach(() => premises.endRuns());
afterAll(() => premises.clear());

async function open(run: Run): Promise<{ shop: Shop; url: string; postmaster: number }> {
  const url = await run.serving();
  return { url, shop: await openShop(url, dataDir), postmaster: postmasterOf(dataDir) ?? 0 };
}

describe("after kill -9", () => {
  test("of the gateway, the next start takes its server over, with all data, and stops it in the end", async () => {
    const killed = premises.start(settings);
    const before = await open(killed);
    await before.shop.move({ productId: "taken over", action: "INCREMENT", quantity: 7 });
    await killed.kill();
    expect(isAlive(before.postmaster)).toBe(true);

    const next = premises.start(settings);
    const after = await open(next);
    expect(after.postmaster).toBe(before.postmaster);
    expect(await after.shop.levels("taken over")).toEqual({ available: 7, allocated: 0, version: 1 });
    expect(await next.stop()).toBe(0);
    expect(isAlive(after.postmaster)).toBe(false);
  });

  test("of the gateway and its server, the next start recovers, with all data", async () => {
    const killed = premises.start(settings);
    const before = await open(killed);
    await before.shop.move({ productId: "recovered", action: "INCREMENT", quantity: 7 });
    process.kill(before.postmaster, "SIGKILL");
    await killed.kill();

    const next = premises.start(settings);
    const after = await open(next);
    expect(after.postmaster).not.toBe(before.postmaster);
    expect(await after.shop.levels("recovered")).toEqual({ available: 7, allocated: 0, version: 1 });
    expect(await next.stop()).toBe(0);
    expect(isAlive(after.postmaster)).toBe(false);
  });
});

describe("two gateways on one DATA_DIR", () => {
  test("the second is refused with the setting's name, and the first serves on", async () => {
    const first = premises.start(settings);
    const { shop, postmaster } = await open(first);
    const second = premises.start(settings);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr).toBe(
      `inventory-gateway: DATA_DIR: another gateway is running on ${dataDir}; give this one a folder of its own, or both one DATABASE_URL\n`,
    );
    expect((await shop.move({ productId: "undisturbed", action: "INCREMENT", quantity: 7 })).moved?.version).toBe(1);
    expect(postmasterOf(dataDir)).toBe(postmaster);
  });

  test("of two that make the folder at the same moment one serves, and the other is refused", async () => {
    const fresh = await premises.createFolder();
    const runs = [premises.start({ DATA_DIR: fresh }), premises.start({ DATA_DIR: fresh })];
    const loser = await Promise.race(runs.map(async (run) => run.ended.then(() => run)));
    expect(loser.stderr).toMatch(/^inventory-gateway: DATA_DIR: another gateway is running on \S+; [^\n]+\n$/);
    expect(await loser.ended).toEqual({ code: 1, signal: null });
    const [winner] = runs.filter((run) => run !== loser);
    const url = (await winner?.serving()) ?? "";
    const shop = await openShop(url, fresh);
    expect((await shop.move({ productId: "won", action: "INCREMENT", quantity: 7 })).moved?.version).toBe(1);
    expect(await winner?.stop()).toBe(0);
    expect(postmasterOf(fresh)).toBeNull();
  });
});

test("F22: readiness turns 503 within seconds while the database is away, and back; liveness stays 200", async () => {
  const { url, shop, postmaster } = await open(premises.start({ ...settings, LOG_LEVEL: "silent" }));
  const live = { status: 200, retryAfter: null, body: { status: "live" } };
  const ready = { status: 200, retryAfter: null, body: { status: "ready" } };
  const away = { status: 503, retryAfter: "1", body: { status: "not ready", reason: "The database does not answer" } };
  expect([await probe(url, "/readyz"), await probe(url, "/healthz")]).toEqual([ready, live]);

  // Its sessions too: they answer without it.
  const sessions = await query(
    await embeddedUrlOf(dataDir),
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
  );
  const pids = [postmaster, ...sessions.map((row) => Number(row["pid"]))];
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  expect([await probe(url, "/readyz"), await probe(url, "/healthz")]).toEqual([away, live]);
  for (const pid of pids) process.kill(pid, "SIGCONT");
  await eventually("it is ready again", async () => (await probe(url, "/readyz")).status === 200);
  expect((await shop.move({ productId: "back", action: "INCREMENT", quantity: 7 })).moved?.version).toBe(1);
});

describe("when the embedded server ends under a gateway that serves", () => {
  test.each([
    ["its postmaster is killed", "SIGKILL"],
    ["somebody stops it", "SIGINT"],
  ] as const)(
    "because %s, the gateway brings it back by itself, with all data, and stops it in the end",
    async (_why, signal) => {
      const run = premises.start({ ...settings, LOG_LEVEL: "silent" });
      const { url, shop } = await open(run);
      const productId = `brought back after ${signal}`;
      await shop.move({ productId, action: "INCREMENT", quantity: 7 });
      for (const version of [2, 3]) {
        const before = postmasterOf(dataDir) ?? 0;
        process.kill(before, signal);
        await eventually("another server runs", () => ![before, null].includes(postmasterOf(dataDir)));
        await eventually("it is ready again", async () => (await probe(url, "/readyz")).status === 200);
        expect((await shop.move({ productId, action: "INCREMENT", quantity: 1 })).moved?.version).toBe(version);
      }
      const last = postmasterOf(dataDir) ?? 0;
      expect(await run.stop()).toBe(0);
      expect(isAlive(last)).toBe(false);
      expect(postmasterOf(dataDir)).toBeNull();
    },
  );

  test("a stop that comes while it is being brought back leaves none running", async () => {
    const run = premises.start({ ...settings, LOG_LEVEL: "silent" });
    const { postmaster } = await open(run);
    process.kill(postmaster, "SIGKILL");
    await eventually("it is gone", () => !isAlive(postmaster));
    expect(await run.stop()).toBe(0);
    expect(postmasterOf(dataDir)).toBeNull();
  });
});

test("the secrets in the settings reach no command line, nor the environment of the server, nor what it says", async () => {
  const secret = "kept-to-itself-0123456789";
  const run = premises.start({ DATA_DIR: dataDir, ADMIN_CLIENT_ID: "ops", ADMIN_CLIENT_SECRET: secret });
  const url = await run.serving();
  expect((await requestToken(url, "ops", secret)).status).toBe(200);
  const server = `/proc/${postmasterOf(dataDir)}`;
  const told = ["environ", "cmdline"].map((file) => readFileSync(join(server, file), "utf8"));
  told.push(readFileSync(`/proc/${run.pid}/cmdline`, "utf8"), run.stdout, run.stderr);
  expect(told.filter((text) => text.includes(secret))).toEqual([]);
  expect(told[1]).toContain(`${dataDir}/postgres`);
});

test("an error that nobody foresaw is told in full, ends the start with 1, and the embedded server is stopped", async () => {
  const fresh = await premises.createFolder();
  const first = premises.start({ DATA_DIR: fresh });
  await first.serving();
  await query(await embeddedUrlOf(fresh), "ALTER TABLE signing_key RENAME TO misplaced");
  expect(await first.stop()).toBe(0);
  const run = premises.start({ DATA_DIR: fresh });
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stderr).toMatch(/signing_key.*does not exist[^]*\n {4}at /);
  expect(postmasterOf(fresh)).toBeNull();
});

test("refuses a database of which synchronous_commit alone is off, and leaves it as it was", async () => {
  await open(premises.start(settings));
  const embedded = await embeddedUrlOf(dataDir);
  await query(embedded, "CREATE DATABASE careless");
  await query(embedded, "ALTER DATABASE careless SET synchronous_commit = off");
  const databaseUrl = embedded.replace(/inventory_gateway$/, "careless");
  const run = premises.start({ DATA_DIR: await premises.createFolder(), DATABASE_URL: databaseUrl });
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stderr).toBe(
    "inventory-gateway: DATABASE_URL: this PostgreSQL can lose what it acknowledged: synchronous_commit off. " +
      "Turn that on, or set UNSAFE_DATABASE=allow\n",
  );
  expect(await query(databaseUrl, "SELECT to_regclass('stock') AS stock")).toEqual([{ stock: null }]);
});

describe("client", () => {
  test("makes, lists and revokes a client beside a running gateway; a revoked client's token soon gets nobody in", async () => {
    const { url, postmaster } = await open(premises.start(settings));
    const [, id = "", secret = ""] =
      /^client_id {6}(till-[0-9a-z]{6})\nclient_secret {2}([\w-]{43})\n$/.exec(
        await outputOf(["client", "add", "--name", "Till", "--scope", "inventory:read"]),
      ) ?? [];
    const { status, token } = await requestToken(url, id, secret);
    expect(status).toBe(200);
    const ask = async (): Promise<number> =>
      (await fetch(`${url}/v2/inventories/none`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(404);
    expect(await listed(id)).toEqual([id, "Till", "inventory:read", "-", expect.stringMatching(instant), "active"]);

    expect(await outputOf(["client", "revoke", id])).toBe(`Revoked ${id}.\n`);
    await eventually("the token is refused", async () => (await ask()) === 401, 2_000);
    expect((await requestToken(url, id, secret)).status).toBe(401);
    expect((await listed(id)).at(-1)).toMatch(/^revoked \d{4}-/);
    const again = premises.run(["client", "revoke", id], settings);
    expect(await again.ended).toEqual({ code: 1, signal: null });
    expect(again.stderr).toBe(`inventory-gateway: There is no active client ${id}\n`);
    expect(postmasterOf(dataDir)).toBe(postmaster);
  });

  test("works alone too, on a server that is there only for so long", async () => {
    await outputOf(["client", "add", "--name", "Alone", "--id", "alone", "--implicit"]);
    expect(postmasterOf(dataDir)).toBeNull();
    expect(await listed("alone")).toEqual([
      "alone",
      "Alone",
      "inventory:read inventory:write",
      "implicit",
      expect.stringMatching(instant),
      "active",
    ]);
    expect(postmasterOf(dataDir)).toBeNull();
  });
});

test("migrate makes the embedded database, and commands work on it before the first start", async () => {
  const fresh = { DATA_DIR: await premises.createFolder() };
  const migrating = premises.run(["migrate"], fresh);
  expect(await migrating.ended).toEqual({ code: 0, signal: null });
  expect(migrating.stdout).toMatch(/^Applied: \S/);
  const verifying = premises.run(["verify"], fresh);
  expect(await verifying.ended).toEqual({ code: 0, signal: null });
  expect(verifying.stdout).toBe("Verified 0 stock transactions, found 0 faults, 0 of them open.\n");
  expect(postmasterOf(fresh.DATA_DIR)).toBeNull();
});

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function outputOf(args: readonly string[]): Promise<string> {
  const run = premises.run(args, settings);
  expect(await run.ended).toEqual({ code: 0, signal: null });
  expect(run.stderr).toBe("");
  return run.stdout;
}

async function listed(id: string): Promise<string[]> {
  const lines = (await outputOf(["client", "list"])).split("\n").map((line) => line.split("\t"));
  return lines.find(([first]) => first === id) ?? [];
}

async function probe(url: string, path: string): Promise<{ status: number; retryAfter: string | null; body: unknown }> {
  const response = await fetch(url + path);
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body: await response.json() };
}
