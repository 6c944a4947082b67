import type { Worker } from "node:cluster";
import { Registry } from "prom-client";
import { MetricSum } from "./metrics/metric-sum.ts";
import type { MetricSource } from "./metrics/metric-source.ts";
import { addWorkerLevels } from "./metrics/worker-levels.ts";
import type { PrimaryMessage, WorkerMessage } from "./worker-messages.ts";

/** How long a worker may take to tell its metrics, in milliseconds. */
const answerTimeoutMs = 2_000;

/**
 * The metrics of all workers together. One that doesn't answer in time is counted by what it told last, but not as one that
 * serves.
 */
export class WorkerMetrics implements MetricSource {
  readonly #sum = new MetricSum();
  readonly #own = new Registry();
  /** Each with whether it serves. */
  readonly #workers = new Map<Worker, boolean>();
  #answering = 0;

  /** @param count how many are to serve */
  constructor(count: number) {
    addWorkerLevels(this.#own, { serving: () => this.#answering, max: count });
  }

  /** Counts a worker in until it ends. */
  add(worker: Worker): void {
    this.#workers.set(worker, false);
    worker.on("message", (message: WorkerMessage) => {
      if (!this.#workers.has(worker)) return;
      if (message.kind === "metrics") this.#sum.set(worker.id, message.parts);
      if (message.kind === "serving") this.#workers.set(worker, true);
    });
    worker.once("exit", () => {
      this.#workers.delete(worker);
      this.#sum.end(worker.id);
    });
  }

  async read(): Promise<string> {
    const asked = [...this.#workers.keys()].filter((worker) => worker.isConnected());
    const answers = await Promise.all(asked.map(ask));
    this.#answering = asked.filter(
      (worker, index) => answers[index] === true && this.#workers.get(worker) === true,
    ).length;
    return (await this.#own.metrics()) + (await this.#sum.read());
  }
}

/** @returns true when the worker has told its metrics, false when it can't any more, or takes too long */
function ask(worker: Worker): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (hasAnswered: boolean): void => {
      clearTimeout(late);
      worker.off("message", listen).off("exit", fail);
      resolve(hasAnswered);
    };
    const fail = (): void => settle(false);
    const listen = (message: WorkerMessage): void => {
      if (message.kind === "metrics") settle(true);
    };
    const late = setTimeout(fail, answerTimeoutMs);
    worker.on("message", listen).once("exit", fail);
    worker.send({ kind: "read metrics" } satisfies PrimaryMessage);
  });
}
