import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { once } from "node:events";
import type { Logger } from "pino";
import { checkAddress } from "../src/address.ts";
import type { Config } from "../src/config.ts";
import { runWorker } from "../src/worker.ts";
import { Workers } from "../src/workers.ts";
import { ownUsage, sumOf } from "./usage.ts";
import type { Usage } from "./usage.ts";

/** What is asked of a worker, and answered by it, besides what the gateway's own messages say. */
type UsageMessage = { readonly kind: "bench usage" } & Partial<Usage>;

/** Serves in several processes, as the gateway does with WORKERS. */
export async function serveWithWorkers(
  config: Config,
  { databaseUrl, count, logger }: { readonly databaseUrl: string; readonly count: number; readonly logger: Logger },
): Promise<{ readonly url: string; readUsage(): Promise<Usage>; stop(): Promise<void> }> {
  const { workers, url } = await Workers.start({
    count,
    orders: {
      databaseUrl,
      databaseReplicaUrl: null,
      port: await checkAddress(config.host, config.port),
      databasePoolSize: Math.floor(config.databasePoolSize / count),
      traceHeaders: {},
    },
    drainTimeoutMs: config.drainTimeoutMs,
    logger,
    metrics: null,
    onGivenUp: () => process.exit(1),
    stopping: new AbortController().signal,
  });
  return {
    url,
    readUsage: async () => {
      const asked = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
      return sumOf([ownUsage(), ...(await Promise.all(asked.map(readUsageOf)))]);
    },
    stop: async () => void (await workers.stop()),
  };
}

/** Is one of those processes. */
export function serveAsWorker(config: Config, logger: Logger): void {
  runWorker(config, logger, (code) => process.exit(code));
  process.on("message", (message) => {
    if (isUsageMessage(message)) process.send?.({ kind: "bench usage", ...ownUsage() } satisfies UsageMessage);
  });
}

async function readUsageOf(worker: Worker): Promise<Usage> {
  worker.send({ kind: "bench usage" } satisfies UsageMessage);
  for (;;) {
    const [message]: unknown[] = await once(worker, "message");
    if (isUsageMessage(message)) return { cpuMicros: message.cpuMicros ?? 0, rssBytes: message.rssBytes ?? 0 };
  }
}

function isUsageMessage(message: unknown): message is UsageMessage {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "bench usage";
}
