import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "pg";
import { Metrics } from "../../src/metrics/metrics.ts";
import { eventually } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { Shop } from "../support/shop.ts";
import { Watcher } from "../support/watcher.ts";

const metrics = new Metrics("1.2.3");
let gateway: TestGateway;
let shop: Shop;

beforeAll(async () => {
  gateway = await startTestGateway({ metrics });
  shop = await Shop.open(gateway);
});

afterAll(() => gateway.close());

const failures = (): Promise<string[]> => linesOf("inventory_group_failures_total");

/** The lines of a metric, without its name. */
async function linesOf(name: string): Promise<string[]> {
  const lines = (await metrics.read()).split("\n").filter((line) => /^\w+/.exec(line)?.[0] === name);
  return lines.map((line) => line.slice(name.length));
}

test("what was asked for is counted by name and error code, what became of it by action and outcome", async () => {
  const key = { idempotencyKey: "delivery" };
  await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3, ...key });
  await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3, ...key });
  await shop.move({ productId: "hat", action: "ALLOCATE", quantity: 9 });
  await shop.moveOverRest({ productId: "hat", action: "DECREMENT", quantity: 1 });
  await shop.graphql("{ nothing }", {});

  const stockTransactions = await linesOf("inventory_stock_transactions_total");
  expect(stockTransactions.filter((line) => !line.endsWith(" 0"))).toEqual([
    '{action="INCREMENT",outcome="APPLIED"} 1',
    '{action="DECREMENT",outcome="APPLIED"} 1',
    '{action="INCREMENT",outcome="REPLAYED"} 1',
    '{action="ALLOCATE",outcome="INSUFFICIENT_STOCK"} 1',
  ]);
  const move = 'type="mutation",field="createStockTransaction",operation="Move"';
  expect(await linesOf("inventory_graphql_operation_duration_seconds_count")).toEqual([
    `{${move},outcome="OK",code=""} 2`,
    `{${move},outcome="REFUSED",code="INSUFFICIENT_STOCK"} 1`,
    '{type="",field="",operation="",outcome="REFUSED",code="GRAPHQL_VALIDATION_FAILED"} 1',
  ]);
  expect(await linesOf("inventory_http_request_duration_seconds_count")).toEqual([
    '{method="POST",route="/oauth/access_token",status="200"} 1',
    '{method="POST",route="/v2/inventories/:productId/transactions",status="200"} 1',
  ]);
  expect(await linesOf("inventory_group_commands_sum")).toEqual([" 4"]);
  expect(await linesOf("inventory_group_commit_duration_seconds_count")).toEqual([" 4"]);
  expect(await linesOf("inventory_queue_commands")).toEqual([" 0"]);
  expect(await linesOf("inventory_build_info")).toEqual(['{version="1.2.3"} 1']);
  expect(await linesOf("inventory_database_connections_max")).toEqual([
    '{pool="groups"} 2',
    '{pool="reads"} 5',
    '{pool="feed"} 2',
  ]);
});

test("what fails and is tried again is counted by PostgreSQL's SQLSTATE, what waits and who watches as it is now", async () => {
  await shop.move({ productId: "scarf", action: "INCREMENT", quantity: 1 });
  const holder = new Client({ connectionString: gateway.databaseUrl });
  await holder.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM stock WHERE product_id = 'scarf' FOR UPDATE");
  const held = shop.move({ productId: "scarf", action: "INCREMENT", quantity: 1 });
  await eventually("an attempt that fails", async () => (await failures()).length > 2);
  await holder.query("COMMIT");
  await holder.end();
  await held;
  expect(await failures()).toEqual([
    '{kind="transient",sqlstate="53100"} 0',
    '{kind="transient",sqlstate="53300"} 0',
    expect.stringMatching(/^\{kind="held",sqlstate="55P03"\} \d+$/),
  ]);

  const watcher = new Watcher({ url: gateway.url, token: await gateway.token() });
  watcher.start();
  await eventually("a watcher", async () => (await linesOf("inventory_watchers"))[0] === " 1");
  await watcher.stop();
  await eventually("no watcher", async () => (await linesOf("inventory_watchers"))[0] === " 0");
});

test("clients can't make time series without bound by the names of their operations", async () => {
  const names = new Metrics("1");
  const count = (name: string): void =>
    names.countRequest({
      method: "POST",
      route: "/graphql",
      status: 200,
      seconds: 0.1,
      operation: { type: "query", field: "stock", name, outcome: "OK", code: null },
    });
  for (let index = 0; index < 1_000; index += 1) count(`Made${index}`);
  count("Made0");
  const lines = (await names.read()).split("\n").filter((line) => line.includes("operation_duration_seconds_count{"));
  expect(lines).toHaveLength(201);
  expect(lines[0]).toContain('operation="Made0",outcome="OK",code=""} 2');
  expect(lines[200]).toContain('operation="(other)",outcome="OK",code=""} 800');
});
