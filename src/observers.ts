import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Tracing } from "./tracing/tracing.ts";
import { version } from "./version.ts";

/*
 * What is only loaded where it is asked for: neither the time to start nor memory is spent on it elsewhere.
 */

/** @returns null where nobody asks for metrics */
export async function openMetrics({ metricsAddress }: Pick<Config, "metricsAddress">): Promise<Metrics | null> {
  if (metricsAddress === null) return null;
  const { Metrics } = await import("./metrics/metrics.ts");
  return new Metrics(version);
}

/** @returns null where nobody asks for traces */
export async function openTracing({ traces }: Pick<Config, "traces">, logger: Logger): Promise<Tracing | null> {
  if (traces === null) return null;
  const { Tracing } = await import("./tracing/tracing.ts");
  return new Tracing(version, traces, logger);
}
