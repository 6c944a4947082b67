import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import { openShop, Premises } from "./support.ts";
import type { Run, Settings } from "./support.ts";

const premises = new Premises();
const toldImports = fileURLToPath(new URL("../support/told-imports.mjs", import.meta.url));
let receiver: OtlpReceiver;

beforeEach(async () => {
  receiver = await OtlpReceiver.open();
});

afterEach(async () => {
  await premises.clear();
  await receiver.close();
});

/** A gateway that has done one stock transaction, and has ended. */
async function runOnce(settings: Settings): Promise<Run> {
  const dataDir = await premises.createFolder();
  const DATABASE_URL = await premises.createDatabase();
  const NODE_OPTIONS = `--import=${toldImports}`;
  const run = premises.start({ UNSAFE_DATABASE: "allow", DATABASE_URL, DATA_DIR: dataDir, NODE_OPTIONS, ...settings });
  const shop = await openShop(await run.serving(), dataDir);
  expect((await shop.move({ productId: "hat", action: "INCREMENT", quantity: 1 })).moved?.version).toBe(1);
  expect(await run.stop()).toBe(0);
  return run;
}

test.each(["1", "2"])("WORKERS=%s: what was done is sent to the collector before the end", async (workers) => {
  const run = await runOnce({
    WORKERS: workers,
    METRICS_PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20hunter2",
    OTEL_SERVICE_NAME: "shop-stock",
  });
  expect(receiver.spans.filter(({ name }) => name === "group")).toHaveLength(1);
  expect(receiver.requests.map(({ headers }) => headers.authorization)).toContain("Bearer hunter2");
  expect(receiver.resources[0]).toMatchObject({ "service.name": "shop-stock" });
  expect(run.stderr).toContain("imports @opentelemetry/api\n");
  expect(run.stderr).toContain("imports prom-client\n");
  expect(run.stdout).not.toContain("hunter2");
});

test.each(["1", "2"])(
  "WORKERS=%s: where nobody asks for metrics or traces, nothing is loaded for them",
  async (workers) => {
    const run = await runOnce({ WORKERS: workers, OTEL_SERVICE_NAME: "shop-stock", OTEL_TRACES_SAMPLER_ARG: "1" });
    expect(run.stderr).not.toContain("imports ");
  },
);
