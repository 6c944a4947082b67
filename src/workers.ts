import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { once } from "node:events";
import type { Logger } from "pino";
import { ConfigError } from "./config.ts";
import { pause } from "./pause.ts";
import { Restarts } from "./restarts.ts";
import type { PrimaryMessage, WorkerMessage, WorkerOrders } from "./worker-messages.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

export interface WorkersOptions {
  readonly count: number;
  readonly orders: WorkerOrders;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  /** Null where nobody asks for them. */
  readonly metrics: WorkerMetrics | null;
  /** Told when every worker has died again and again: nobody serves any more. */
  readonly onGivenUp: () => void;
}

/** Beyond the drain, for a worker to let go of its database and end. */
const endGraceMs = 5_000;

/** The primary has read them for all: a worker is told what it needs, and a file of secrets may be gone by the time of a replacement. */
const withheldSettings = {
  DATABASE_URL: "",
  DATABASE_URL_FILE: "",
  DATABASE_REPLICA_URL: "",
  DATABASE_REPLICA_URL_FILE: "",
  ADMIN_CLIENT_ID: "",
  ADMIN_CLIENT_SECRET: "",
  ADMIN_CLIENT_SECRET_FILE: "",
  OTEL_EXPORTER_OTLP_HEADERS: "",
  OTEL_EXPORTER_OTLP_HEADERS_FILE: "",
};

/** Processes that serve on one port. One that dies is replaced. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #running = new Set<Worker>();
  readonly #stopping = new AbortController();
  #givenUp = 0;

  private constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /**
   * Starts the workers, and waits until all of them serve.
   * @throws ConfigError where one of them can't because of a setting; all are stopped then
   */
  static async start(options: WorkersOptions): Promise<{ readonly workers: Workers; readonly url: string }> {
    const workers = new Workers(options);
    try {
      const slots = Array.from({ length: options.count }, () => workers.#startWorker());
      const [first, ...others] = await Promise.all(slots.map(({ serving }) => serving));
      if (first === undefined) throw new Error("There has to be a worker");
      for (const slot of [first, ...others]) void workers.#keepAlive(slot);
      return { workers, url: first.url };
    } catch (error) {
      await workers.stop();
      throw error;
    }
  }

  /** Has every worker answer what it has accepted. @returns false where one of them took longer than it may */
  async stop(): Promise<boolean> {
    this.#stopping.abort();
    const codes = await Promise.all([...this.#running].map((worker) => this.#stopWorker(worker)));
    return codes.every((code) => code === 0);
  }

  async #stopWorker(worker: Worker): Promise<number | null> {
    const late = setTimeout(() => worker.process.kill("SIGKILL"), this.#options.drainTimeoutMs + endGraceMs);
    const ended = once(worker, "exit");
    if (worker.isConnected()) worker.send({ kind: "stop" } satisfies PrimaryMessage);
    const [code]: unknown[] = await ended;
    clearTimeout(late);
    return typeof code === "number" ? code : null;
  }

  #startWorker(): { readonly serving: Promise<ServingWorker> } {
    const worker = cluster.fork(withheldSettings);
    this.#running.add(worker);
    this.#options.metrics?.add(worker);
    const ended = endOf(worker);
    void ended.then(() => this.#running.delete(worker));
    const serving = new Promise<ServingWorker>((resolve, reject) => {
      worker.on("message", (message: WorkerMessage) => {
        switch (message.kind) {
          case "started":
            return void worker.send({ kind: "serve", orders: this.#options.orders } satisfies PrimaryMessage);
          case "serving":
            return resolve({ url: message.url, servesSince: performance.now(), ended });
          case "failed":
            return reject(message.isSetting ? new ConfigError(message.message) : new Error(message.message));
          case "attempt":
            return this.#tellOthers(worker, message);
          case "metrics":
            return;
        }
      });
      void ended.then(({ pid, exitCode, signal }) =>
        reject(new Error(`Worker ${pid} ended before it served, ${signal ?? `with exit code ${exitCode}`}`)),
      );
    });
    return { serving };
  }

  #tellOthers(sender: Worker, message: PrimaryMessage): void {
    for (const worker of this.#running) if (worker !== sender && worker.isConnected()) worker.send(message);
  }

  /** Replaces a worker, and the one that replaces it, until the stop or until it has died again and again. */
  async #keepAlive(first: ServingWorker): Promise<void> {
    const { logger, count, onGivenUp } = this.#options;
    const restarts = new Restarts();
    let worker: ServingWorker | null = first;
    for (;;) {
      const end: WorkerEnd | undefined = await worker?.ended;
      const servedMs: number = worker === null ? 0 : performance.now() - worker.servesSince;
      if (this.#stopping.signal.aborted) return;
      const delayMs = restarts.next(servedMs);
      if (delayMs === null) break;
      logger.error({ worker: end, delayMs }, "A worker died and is replaced");
      await pause(delayMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      worker = await this.#startWorker().serving.catch((error: unknown) => {
        logger.error({ err: error }, "A worker could not be replaced");
        return null;
      });
    }
    this.#givenUp += 1;
    logger.fatal({ workers: count - this.#givenUp }, "A worker died again and again and is not replaced any more");
    if (this.#givenUp === count) onGivenUp();
  }
}

interface ServingWorker {
  readonly url: string;
  /** A time of performance.now(). */
  readonly servesSince: number;
  readonly ended: Promise<WorkerEnd>;
}

/** How a worker ended: with a code, or by a signal. */
interface WorkerEnd {
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

async function endOf(worker: Worker): Promise<WorkerEnd> {
  await once(worker, "exit");
  const { pid, exitCode, signalCode } = worker.process;
  return { pid, exitCode, signal: signalCode };
}
