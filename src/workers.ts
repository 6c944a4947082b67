import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import type { Logger } from "pino";
import { AttemptLimiter } from "./access/attempt-limiter.ts";
import { ConfigError } from "./config.ts";
import { pause } from "./pause.ts";
import { Restarts } from "./restarts.ts";
import { answerAttempts } from "./worker-attempts.ts";
import type { PrimaryMessage, WorkerMessage, WorkerOrders } from "./worker-messages.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

export interface WorkersOptions {
  readonly count: number;
  readonly orders: WorkerOrders;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  /** Null where nobody asks for them. */
  readonly metrics: WorkerMetrics | null;
  /** Told when all workers have died again and again, and nobody serves any more. */
  readonly onGivenUp: () => void;
  /** See {@link Workers.start}. */
  readonly stopping: AbortSignal;
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

const stopOrder: PrimaryMessage = { kind: "stop" };

/** Processes that serve on one port. One that dies is replaced, until all have died again and again. */
export class Workers {
  readonly #options: WorkersOptions;
  /** Each with its end. */
  readonly #running = new Map<Worker, Promise<WorkerEnd>>();
  readonly #stopping = new AbortController();
  readonly #attempts = new AttemptLimiter();
  readonly #restarts: Restarts;

  private constructor(options: WorkersOptions) {
    this.#options = options;
    this.#restarts = new Restarts(options.count);
  }

  /**
   * Starts the workers, and waits until all of them serve.
   * @throws ConfigError where one of them can't because of a setting; all are stopped then
   * @throws the reason of `stopping` where that was aborted and a signal, which a terminal sends to all, ended one of them
   */
  static async start(options: WorkersOptions): Promise<{ readonly workers: Workers; readonly url: string }> {
    const workers = new Workers(options);
    try {
      const slots = Array.from({ length: options.count }, () => workers.#startWorker());
      const [first, ...others] = await Promise.all(slots.map(({ serving }) => serving));
      if (first === undefined) throw new Error("There has to be a worker");
      for (const [place, worker] of [first, ...others].entries()) void workers.#keepAlive(place, worker);
      return { workers, url: first.url };
    } catch (error) {
      await workers.stop();
      throw error;
    }
  }

  /** Has every worker answer what it has accepted. @returns false where one of them took longer than it may */
  async stop(): Promise<boolean> {
    this.#stopping.abort();
    const ends = await Promise.all([...this.#running].map((running) => this.#stopWorker(...running)));
    return ends.every(({ exitCode }) => exitCode === 0);
  }

  async #stopWorker(worker: Worker, ended: Promise<WorkerEnd>): Promise<WorkerEnd> {
    const late = setTimeout(() => worker.process.kill("SIGKILL"), this.#options.drainTimeoutMs + endGraceMs);
    if (worker.isConnected()) worker.send(stopOrder);
    const end = await ended;
    clearTimeout(late);
    return end;
  }

  #startWorker(): { readonly serving: Promise<ServingWorker> } {
    const { orders, stopping } = this.#options;
    const worker = cluster.fork(withheldSettings);
    const ended = endOf(worker);
    this.#running.set(worker, ended);
    this.#options.metrics?.add(worker);
    answerAttempts(worker, this.#attempts);
    void ended.then(() => this.#running.delete(worker));
    const serving = new Promise<ServingWorker>((resolve, reject) => {
      worker.on("message", (message: WorkerMessage) => {
        switch (message.kind) {
          case "started":
            // An order to stop that came before it listened has not reached it.
            return void worker.send(this.#stopping.signal.aborted ? stopOrder : { kind: "serve", orders });
          case "serving":
            return resolve({ url: message.url, servesSince: performance.now(), ended });
          case "failed":
            return reject(message.isSetting ? new ConfigError(message.message) : new Error(message.message));
          case "attempt":
          case "attempt over":
          case "metrics":
            return;
        }
      });
      void ended.then((end) => reject(earlyEnd(end, stopping)));
      worker.on("error", (error) => {
        // One that has just ended takes no message, and its end is told by itself; one that can't be started has none.
        if (worker.process.pid !== undefined) return;
        this.#running.delete(worker);
        reject(error);
      });
    });
    return { serving };
  }

  /** Replaces a worker, and the one that replaces it, until the stop or until all have died again and again. */
  async #keepAlive(place: number, first: ServingWorker): Promise<void> {
    const { logger, onGivenUp } = this.#options;
    let worker: ServingWorker | null = first;
    for (;;) {
      const end: WorkerEnd | undefined = await worker?.ended;
      const servedMs: number = worker === null ? 0 : performance.now() - worker.servesSince;
      if (this.#stopping.signal.aborted) return;
      const delayMs = this.#restarts.died(place, servedMs);
      if (delayMs === null) break;
      logger.error({ worker: end, delayMs }, "A worker died and is replaced");
      await pause(delayMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      worker = await this.#startWorker().serving.catch((error: unknown) => {
        logger.error({ err: error }, "A worker could not be replaced");
        return null;
      });
      if (worker !== null) this.#restarts.serves(place);
    }
    logger.fatal("All workers died again and again, and are not replaced any more");
    onGivenUp();
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

function endOf(worker: Worker): Promise<WorkerEnd> {
  return new Promise((resolve) => {
    worker.once("exit", () => {
      const { pid, exitCode, signalCode } = worker.process;
      resolve({ pid, exitCode, signal: signalCode });
    });
  });
}

/** Why a worker that has ended never served. */
function earlyEnd({ pid, exitCode, signal }: WorkerEnd, stopping: AbortSignal): unknown {
  if (signal !== null && stopping.aborted) return stopping.reason;
  return new Error(`Worker ${pid} ended before it served: ${signal ?? `exit code ${exitCode}`}`);
}
