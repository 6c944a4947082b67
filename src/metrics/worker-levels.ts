import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

/**
 * Adds how many processes serve, and how many are to. Of several processes only their primary can tell, and what each of
 * them tells of itself is left out of the sum.
 */
export function addWorkerLevels(
  registry: Registry,
  levels: { readonly serving: () => number; readonly max: number },
): void {
  const registers = [registry];
  const serving: Gauge = new Gauge({
    name: "inventory_workers",
    help: "Processes that serve, and answered when the metrics were read.",
    aggregator: "omit",
    registers,
    collect: () => serving.set(levels.serving()),
  });
  new Gauge({
    name: "inventory_workers_max",
    help: "How many are to serve.",
    aggregator: "omit",
    registers,
  }).set(levels.max);
}
