import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { embeddedUrlOf, eventually, isAlive, lockStock, openShop, postmasterOf, query, Premises } from "./support.ts";
import type { Run } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

const unsafe = { UNSAFE_DATABASE: "allow", WORKERS: "2" };

/** The processes below the one that was started. */
function workersOf(run: Run): number[] {
  const children = readProcess(run.pid, `task/${run.pid}/children`).trim();
  return children === "" ? [] : children.split(" ").map(Number).filter(isWorker);
}

/** PostgreSQL is a child too where it is embedded. */
function isWorker(pid: number): boolean {
  return readProcess(pid, "cmdline").includes("dist/main.js");
}

/** What is told of a process; empty where it has ended since. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Kills it, unless it has ended since. */
function kill(pid: number): void {
  if (isWorker(pid)) process.kill(pid, "SIGKILL");
}

/** Over a connection of its own, which the next worker in turn takes. @returns the status */
async function send(url: string, body?: URLSearchParams, timeoutMs = 15_000): Promise<number> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const method = body === undefined ? "GET" : "POST";
  // What is handed to a worker as it dies is answered by nobody.
  const sent = request(url, { agent: false, method, headers, timeout: timeoutMs });
  sent.on("timeout", () => sent.destroy(new Error("No answer")));
  sent.end(body?.toString());
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode ?? 0;
}

/** @returns the status */
function requestToken(url: string, secret: string): Promise<number> {
  const form = { grant_type: "client_credentials", client_id: "admin", client_secret: secret };
  return send(`${url}/oauth/access_token`, new URLSearchParams(form));
}

/** Has whoever looks for a client wait. */
async function lockClients(databaseUrl: string): Promise<{ release(): Promise<void> }> {
  const client = new Client({ connectionString: databaseUrl });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("BEGIN; LOCK TABLE api_client");
  return { release: () => client.end() };
}

async function countWaiting(databaseUrl: string): Promise<number> {
  const waiting =
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  return Number((await query(databaseUrl, waiting))[0]?.["count"]);
}

interface LogLine {
  readonly msg: string;
  readonly pid: number;
  readonly delayMs?: number;
}

function loggedBy(run: Run): LogLine[] {
  // The last one may not be whole yet.
  const lines = run.stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  return lines.map((line) => JSON.parse(line) as LogLine);
}

/** Those after which a worker was to be replaced. */
function deathsOf(run: Run): LogLine[] {
  return loggedBy(run).filter(({ msg }) => msg === "A worker died and is replaced");
}

function servedBy(run: Run): Set<number> {
  return new Set(
    loggedBy(run)
      .filter(({ msg }) => msg === "request")
      .map(({ pid }) => pid),
  );
}

describe("with several workers", () => {
  test("all serve on one port, with one client and one signing key", async () => {
    const databaseUrl = await premises.createDatabase({ migrated: false });
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: dataDir });
    const url = await run.serving();
    const workers = workersOf(run);
    expect(workers).toHaveLength(2);
    for (let turn = 0; turn < 8; turn += 1) expect(await send(`${url}/readyz`)).toBe(200);
    await eventually("a log of both", () => servedBy(run).size === 2);
    expect(servedBy(run)).toEqual(new Set(workers));
    expect(run.stdout.match(/Receive ten units/g)).toHaveLength(1);
    expect(await query(databaseUrl, "SELECT count(*)::int AS count FROM signing_key")).toEqual([{ count: 1 }]);
    expect(await run.stop()).toBe(0);
    expect(run.stderr).toBe("");
  });

  test("they start beside another program's name that is nearly that of a secret", async () => {
    const names = { DATABASE_URI: "postgres://h/other", OTEL_EXPORTER_OTLP_HEADER: "a=b" };
    const DATABASE_URL = await premises.createDatabase();
    const DATA_DIR = await premises.createFolder();
    const run = premises.start({ ...unsafe, ...names, OTEL_EXPORTER_OTLP_HEADERS: "a=b", DATABASE_URL, DATA_DIR });
    expect(await send(`${await run.serving()}/readyz`)).toBe(200);
    expect(workersOf(run)).toHaveLength(2);
    expect(await run.stop()).toBe(0);
    expect(run.stderr).toBe("");
  });

  test("one that is killed is replaced, while the others serve", async () => {
    const databaseUrl = await premises.createDatabase();
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: dataDir });
    const url = await run.serving();
    const [killed = 0, left = 0] = workersOf(run);
    process.kill(killed, "SIGKILL");
    // A connection may have been handed to it just before.
    const isServed = (): Promise<boolean> =>
      send(`${url}/readyz`, undefined, 3_000).then(
        (status) => status === 200,
        () => false,
      );
    await eventually("an answer of the other", isServed);
    await eventually("another in its place", () => !isAlive(killed) && workersOf(run).length === 2);
    const [replacement = 0] = workersOf(run).filter((pid) => pid !== left);
    await eventually("an answer of it", async () => (await isServed()) && servedBy(run).has(replacement));
    const shop = await openShop(url, dataDir);
    expect((await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3 })).moved?.version).toBe(1);
    expect(await run.stop()).toBe(0);
    expect(loggedBy(run).filter(({ msg }) => msg === "A worker died and is replaced")).toMatchObject([
      { pid: run.pid, worker: { pid: killed, exitCode: null, signal: "SIGKILL" } },
    ]);
    expect(run.stderr).toBe("");
  });

  test("one that dies again and again is tried on while another serves", async () => {
    const databaseUrl = await premises.createDatabase();
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: dataDir });
    const url = await run.serving();
    const [left = 0] = workersOf(run);
    const isTriedOn = (): boolean => {
      for (const pid of workersOf(run)) if (pid !== left) kill(pid);
      return deathsOf(run).length === 10;
    };
    await eventually("ten deaths", isTriedOn, 120_000);
    expect(deathsOf(run).map(({ delayMs }) => delayMs)).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000,
    ]);
    await eventually("an answer of the next one", async () => {
      const status = await send(`${url}/readyz`);
      return status === 200 && [...servedBy(run)].some((pid) => pid !== left);
    });
    expect(await run.stop()).toBe(0);
  });

  test("when all die again and again the gateway ends with 1", async () => {
    const databaseUrl = await premises.createDatabase();
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: dataDir });
    await run.serving();
    const hasEnded = (): boolean => {
      for (const pid of workersOf(run)) kill(pid);
      return run.hasEnded;
    };
    await eventually("its end", hasEnded, 120_000);
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stdout).toContain("All workers died again and again");
    expect(deathsOf(run).length).toBeGreaterThanOrEqual(16);
  });

  test("Ctrl-C, which reaches every process, answers what each has accepted before the embedded database stops", async () => {
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATA_DIR: dataDir });
    const url = await run.serving();
    const workers = workersOf(run);
    expect(workers).toHaveLength(2);
    const shop = await openShop(url, dataDir);
    await shop.move({ productId: "hat", action: "INCREMENT", quantity: 100 });
    const databaseUrl = await embeddedUrlOf(dataDir);
    const lock = await lockStock(databaseUrl, "hat");
    const moves = Array.from({ length: 8 }, () => shop.move({ productId: "hat", action: "DECREMENT", quantity: 1 }));
    await eventually("groups of both that wait", async () => {
      const waiting = await query(
        databaseUrl,
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'inventory-gateway groups' AND wait_event_type = 'Lock'",
      );
      return waiting[0]?.["count"] === 2;
    });
    process.kill(-run.pid, "SIGINT");
    await eventually("an end to new requests", () =>
      send(`${url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    await lock.release();
    expect((await Promise.all(moves)).map(({ httpStatus }) => httpStatus)).toEqual(
      Array.from({ length: 8 }, () => 200),
    );
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(postmasterOf(dataDir)).toBeNull();
    expect(workers.some(isAlive)).toBe(false);
  });

  test("Ctrl-C while they start ends them all with 0, without a word", async () => {
    const databaseUrl = await premises.createDatabase();
    const dataDir = await premises.createFolder();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: dataDir });
    await eventually("two workers", () => workersOf(run).length === 2);
    const workers = workersOf(run);
    process.kill(-run.pid, "SIGINT");
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stdout + run.stderr).toBe("");
    expect(workers.some(isAlive)).toBe(false);
  });

  test("wrong secrets are counted for all together", async () => {
    const databaseUrl = await premises.createDatabase();
    const run = premises.start({ ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: await premises.createFolder() });
    const url = await run.serving();
    const statuses = await Promise.all(Array.from({ length: 30 }, () => requestToken(url, "wrong")));
    const refused = statuses.filter((status) => status === 401);
    expect([refused.length, statuses.filter((status) => status === 429).length]).toEqual([20, 10]);
    expect(await run.stop()).toBe(0);
  });

  test("those that a killed one leaves behind are not", async () => {
    const databaseUrl = await premises.createDatabase();
    const dataDir = await premises.createFolder();
    const settings = { DATABASE_URL: databaseUrl, DATA_DIR: dataDir, DATABASE_POOL_SIZE: "20" };
    const run = premises.start({ ...unsafe, ...settings });
    const url = await run.serving();
    const secret = await readFile(join(dataDir, "admin-client.secret"), "utf8");
    for (let count = 0; count < 8; count += 1) expect(await requestToken(url, "wrong")).toBe(401);
    const lock = await lockClients(databaseUrl);
    const guesses = Promise.allSettled(Array.from({ length: 12 }, () => requestToken(url, "wrong")));
    const [killed = 0, ...others] = workersOf(run);
    await eventually("guesses under way in each", async () => (await countWaiting(databaseUrl)) > others.length);
    process.kill(killed, "SIGKILL");
    await eventually("its end", () => run.stdout.includes("A worker died"));
    await lock.release();
    await guesses;
    expect(await requestToken(url, secret)).toBe(200);
    expect(await run.stop()).toBe(0);
  });

  test("more of them than the database has connections for are refused", async () => {
    const databaseUrl = await premises.createDatabase();
    const run = premises.start({ ...unsafe, WORKERS: "64", DATABASE_URL: databaseUrl, LANES: "32" });
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toMatch(
      /^inventory-gateway: WORKERS: 64 workers take up to 2438 database connections, and the server has \d+\n$/,
    );
  });
});
