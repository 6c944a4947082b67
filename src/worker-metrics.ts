import type { Worker } from "node:cluster";
import { MetricSum } from "./metrics/metric-sum.ts";
import type { MetricSource } from "./metrics/metric-source.ts";
import type { PrimaryMessage, WorkerMessage } from "./worker-messages.ts";

/** How long a worker may take to tell its metrics, in milliseconds. */
const answerTimeoutMs = 2_000;

/** The metrics of all workers together. One that doesn't answer in time is counted by what it told last. */
export class WorkerMetrics implements MetricSource {
  readonly #sum = new MetricSum();
  readonly #workers = new Set<Worker>();

  /** Counts a worker in until it ends. */
  add(worker: Worker): void {
    this.#workers.add(worker);
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "metrics" && this.#workers.has(worker)) this.#sum.set(worker.id, message.parts);
    });
    worker.once("exit", () => {
      this.#workers.delete(worker);
      this.#sum.end(worker.id);
    });
  }

  async read(): Promise<string> {
    await Promise.all([...this.#workers].filter((worker) => worker.isConnected()).map(ask));
    return this.#sum.read();
  }
}

/** Resolves when the worker has told its metrics, or can't any more, or takes too long. */
function ask(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(late);
      worker.off("message", listen).off("exit", settle);
      resolve();
    };
    const listen = (message: WorkerMessage): void => {
      if (message.kind === "metrics") settle();
    };
    const late = setTimeout(settle, answerTimeoutMs);
    worker.on("message", listen).once("exit", settle);
    worker.send({ kind: "read metrics" } satisfies PrimaryMessage);
  });
}
