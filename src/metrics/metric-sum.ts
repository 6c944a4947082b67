import { AggregatorRegistry } from "prom-client";
import type { Registry } from "prom-client";

/** What one process has read of its metrics. */
export type MetricParts = readonly object[];

/**
 * Adds up the metrics of processes that come and go. What one had counted stays when it has ended, as far as it was read:
 * a sum that went down would look to Prometheus like a restart, and be counted again.
 */
export class MetricSum {
  readonly #latest = new Map<number, MetricParts>();
  #ended: MetricParts = [];

  /** @param process a number of its own among those that run */
  set(process: number, parts: MetricParts): void {
    this.#latest.set(process, parts.map(byHighest));
  }

  /** Keeps of a process that has ended what only ever grows. */
  end(process: number): void {
    const parts = this.#latest.get(process);
    this.#latest.delete(process);
    if (parts !== undefined) this.#ended = sumOf([this.#ended, parts.filter(isCounted)]).getMetricsAsArray();
  }

  /** In Prometheus's text format. */
  async read(): Promise<string> {
    return sumOf([...this.#latest.values(), this.#ended]).metrics();
  }
}

function sumOf(all: readonly MetricParts[]): Registry {
  return AggregatorRegistry.aggregate(all.map((parts) => [...parts]));
}

/** Of what prom-client takes the mean, how late an event loop is, the highest tells: one that is stuck does not show in a mean. */
function byHighest(part: object): object {
  return Reflect.get(part, "aggregator") === "average" ? { ...part, aggregator: "max" } : part;
}

function isCounted(part: object): boolean {
  const type: unknown = Reflect.get(part, "type");
  return type === "counter" || type === "histogram";
}
