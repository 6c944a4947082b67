import { expect, test } from "@jest/globals";
import { MetricSum } from "../../src/metrics/metric-sum.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { parseExposition, sumOf } from "../support/exposition.ts";

const lag = "nodejs_eventloop_lag_p99_seconds";

/** What a process tells whose event loop is that late. */
async function partsOf(lagSeconds: number): Promise<readonly object[]> {
  const metrics = new Metrics("1");
  metrics.countStockTransactions("ALLOCATE", "APPLIED");
  const parts = await metrics.readParts();
  return parts.map((part) =>
    Reflect.get(part, "name") === lag ? { ...part, values: [{ value: lagSeconds, labels: {} }] } : part,
  );
}

test("one process whose event loop is late is not hidden by those whose are not; what they count is added up", async () => {
  const sum = new MetricSum();
  for (let process = 0; process < 7; process += 1) sum.set(process, await partsOf(0.01));
  sum.set(7, await partsOf(1));
  const families = parseExposition(await sum.read());
  expect(families.get(lag)?.samples).toEqual([{ name: lag, labels: {}, value: 1 }]);
  expect(sumOf(families, "inventory_stock_transactions_total")).toBe(8);
});
