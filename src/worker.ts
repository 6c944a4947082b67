import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import type { Logger } from "pino";
import { addressError } from "./address.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import { isDoneWithin } from "./drain.ts";
import { messageOf } from "./error-message.ts";
import { startGateway } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { openMetrics, openTracing } from "./observers.ts";
import { AttemptsOfWorker } from "./worker-attempts.ts";
import type { PrimaryMessage, WorkerMessage, WorkerOrders } from "./worker-messages.ts";

/**
 * Serves as one of several processes, by the primary's orders. Without a primary the process ends at once: node:cluster
 * sees to it.
 * @param end ends the process, with 0 when everything accepted was answered in time
 */
export function runWorker(config: Config, logger: Logger, end: (code: number) => void): void {
  const { worker } = cluster;
  if (worker === undefined) throw new Error("This process is no worker");
  const metrics = openMetrics(config);
  let gateway: Promise<Gateway> | null = null;
  worker.on("message", (message: PrimaryMessage) => {
    switch (message.kind) {
      case "serve":
        gateway = metrics.then((opened) => serve(worker, message.orders, config, { logger, metrics: opened }));
        return void gateway.catch((error: unknown) => fail(worker, error, end));
      case "stop":
        return void stop(gateway, config, logger).then(end);
      case "read metrics":
        return void metrics
          .then((opened) => opened?.readParts() ?? [])
          .then((parts) => send(worker, { kind: "metrics", parts }));
      case "attempt admitted":
      case "attempt refused":
        return;
    }
  });
  send(worker, { kind: "started" });
}

async function serve(
  worker: Worker,
  orders: WorkerOrders,
  config: Config,
  options: { readonly logger: Logger; readonly metrics: Metrics | null },
): Promise<Gateway> {
  const attempts = new AttemptsOfWorker(worker, (message) => send(worker, message));
  const traces = config.traces === null ? null : { ...config.traces, headers: orders.traceHeaders };
  const tracing = await openTracing({ traces }, options.logger);
  const gateway = await startGateway({ ...config, ...orders, ...options, tracing, attempts }).catch(
    (error: unknown) => {
      throw addressError(error, config.host, orders.port) ?? error;
    },
  );
  send(worker, { kind: "serving", url: gateway.url });
  return gateway;
}

/** The message is on its way before the process ends. */
function fail(worker: Worker, error: unknown, end: (code: number) => void): void {
  const message: WorkerMessage = { kind: "failed", message: messageOf(error), isSetting: error instanceof ConfigError };
  worker.send(message, undefined, () => end(1));
}

async function stop(started: Promise<Gateway> | null, { drainTimeoutMs }: Config, logger: Logger): Promise<number> {
  try {
    const gateway = await started?.catch(() => null);
    return gateway === null || gateway === undefined || (await isDoneWithin(gateway.close(), drainTimeoutMs)) ? 0 : 1;
  } catch (error) {
    logger.error({ err: error }, "The stop failed");
    return 1;
  }
}

function send(worker: Worker, message: WorkerMessage): void {
  if (worker.isConnected()) worker.send(message);
}
