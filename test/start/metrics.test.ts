import { afterEach, expect, test } from "@jest/globals";
import { parseExposition, sumOf } from "../support/exposition.ts";
import type { Family } from "../support/exposition.ts";
import { eventually, findFreePort, openShop, Premises } from "./support.ts";
import type { Run } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

function metricsUrlOf(run: Run): string {
  return /Metrics at (http:[^"]+)/.exec(run.stdout)?.[1] ?? "";
}

async function read(url: string): Promise<ReadonlyMap<string, Family>> {
  return parseExposition(await (await fetch(url)).text());
}

const transactions = "inventory_stock_transactions_total";

/** A gateway with six stock transactions done. */
async function serve(workers: number): Promise<{ run: Run; url: string; metricsUrl: string }> {
  const dataDir = await premises.createFolder();
  const DATABASE_URL = await premises.createDatabase();
  const run = premises.start({
    UNSAFE_DATABASE: "allow",
    WORKERS: `${workers}`,
    METRICS_PORT: "0",
    DATABASE_URL,
    DATA_DIR: dataDir,
  });
  const url = await run.serving();
  const shop = await openShop(url, dataDir);
  const moves = Array.from({ length: 6 }, () => shop.move({ productId: "hat", action: "INCREMENT", quantity: 1 }));
  await Promise.all(moves);
  return { run, url, metricsUrl: metricsUrlOf(run) };
}

test.each([1, 2])("WORKERS=%d: the metrics of all are on a port of their own, and not on PORT", async (workers) => {
  const { run, url, metricsUrl } = await serve(workers);
  expect(new URL(metricsUrl).hostname).toBe("127.0.0.1");
  const answer = await fetch(metricsUrl);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const families = parseExposition(await answer.text());
  expect(families.get(transactions)?.samples.filter(({ value }) => value > 0)).toEqual([
    { name: transactions, labels: { action: "INCREMENT", outcome: "APPLIED" }, value: 6 },
  ]);
  const labels = { type: "mutation", field: "createStockTransaction", operation: "Move", outcome: "OK", code: "" };
  expect(sumOf(families, "inventory_graphql_operation_duration_seconds_count", labels)).toBe(6);
  expect(sumOf(families, "inventory_group_commands_sum")).toBe(6);
  expect(sumOf(families, "inventory_workers")).toBe(workers);
  expect(sumOf(families, "inventory_workers_max")).toBe(workers);
  expect(families.get("inventory_build_info")?.samples.map(({ value }) => value)).toEqual([1]);
  expect(sumOf(families, "nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);

  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  expect((await fetch(new URL("/graphql", metricsUrl))).status).toBe(404);
  expect((await fetch(metricsUrl, { method: "POST" })).status).toBe(405);
  expect(await run.stop()).toBe(0);
});

test("what a worker has counted stays when it dies", async () => {
  const { run, metricsUrl } = await serve(2);
  expect(sumOf(await read(metricsUrl), transactions)).toBe(6);
  const line = /"pid":(\d+)[^\n]*"msg":"request"/;
  await eventually("a request's line", () => line.test(run.stdout));
  process.kill(Number(line.exec(run.stdout)?.[1]), "SIGKILL");
  await eventually("another in its place", async () => sumOf(await read(metricsUrl), "inventory_workers") === 2);
  expect(sumOf(await read(metricsUrl), transactions)).toBe(6);
});

test("a worker that hangs is not counted as one that serves, and what it has counted stays", async () => {
  const { run, metricsUrl } = await serve(2);
  expect(sumOf(await read(metricsUrl), transactions)).toBe(6);
  const line = /"pid":(\d+)[^\n]*"msg":"request"/;
  await eventually("a request's line", () => line.test(run.stdout));
  const hung = Number(line.exec(run.stdout)?.[1]);
  process.kill(hung, "SIGSTOP");
  const meanwhile = await read(metricsUrl);
  expect(sumOf(meanwhile, "inventory_workers")).toBe(1);
  expect(sumOf(meanwhile, "inventory_workers_max")).toBe(2);
  expect(sumOf(meanwhile, transactions)).toBe(6);
  process.kill(hung, "SIGCONT");
  await eventually("its answer", async () => sumOf(await read(metricsUrl), "inventory_workers") === 2);
  expect(sumOf(await read(metricsUrl), transactions)).toBe(6);
  expect(await run.stop()).toBe(0);
});

test("without METRICS_PORT there are none; with one that is taken the start is refused and names it", async () => {
  const settings = {
    UNSAFE_DATABASE: "allow",
    DATABASE_URL: await premises.createDatabase(),
    DATA_DIR: await premises.createFolder(),
  };
  const port = await findFreePort();
  const first = premises.start({ ...settings, METRICS_PORT: `${port}` });
  await first.serving();
  const second = premises.start({ ...settings, METRICS_PORT: `${port}` });
  expect(await second.ended).toEqual({ code: 1, signal: null });
  expect(second.stderr).toBe(`inventory-gateway: METRICS_PORT: ${port} is taken on 127.0.0.1 by another program\n`);
  const without = premises.start(settings);
  await without.serving();
  expect(metricsUrlOf(without)).toBe("");
});
