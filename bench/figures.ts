import { mutationsOn, stocksOf } from "./workload.ts";
import type { Workload } from "./workload.ts";
import type { WatchersPlan } from "./watchers.ts";
import type { ServerVariant } from "./server-process.ts";

/** One line of the table: a server, what is asked of it, and what the outcome is compared with. */
export interface Figure {
  readonly name: string;
  readonly description: string;
  readonly variant: ServerVariant;
  readonly workload: Workload;
  readonly connections: number;
  /** Who watches the feed meanwhile; nobody where it is not said. */
  readonly watchers?: WatchersPlan;
  /** The names of the figures that this one's throughput is divided by. */
  readonly comparedTo?: readonly string[];
  /** The names of the figures whose server CPU per request this one's is divided by. */
  readonly cpuComparedTo?: readonly string[];
}

/** As many products as every database of the benchmark has. */
export const productCount = 10_000;
const connections = 32;
const uniform = mutationsOn(productCount);
const hot = mutationsOn(1);

/** Everything that is measured, in the order in which it is. */
export const figures: readonly Figure[] = [
  {
    name: "constant-field",
    description: "a mutation that answers a constant on the same stack",
    variant: "constant",
    workload: uniform,
    connections,
  },
  {
    name: "usual-uniform",
    description: "the usual resolver, 10 000 products",
    variant: "usual",
    workload: uniform,
    connections,
  },
  {
    name: "mutation-uniform",
    description: "single mutations, 10 000 products",
    variant: "gateway",
    workload: uniform,
    connections,
    comparedTo: ["usual-uniform", "constant-field"],
    cpuComparedTo: ["constant-field"],
  },
  {
    name: "usual-hot",
    description: "the usual resolver, one product",
    variant: "usual",
    workload: hot,
    connections,
    comparedTo: ["usual-uniform"],
  },
  {
    name: "mutation-hot",
    description: "single mutations, one product",
    variant: "gateway",
    workload: hot,
    connections,
    comparedTo: ["usual-hot", "mutation-uniform"],
    cpuComparedTo: ["constant-field"],
  },
  {
    name: "stock",
    description: "the stock of one product, by its id",
    variant: "gateway",
    workload: stocksOf(productCount),
    connections,
    comparedTo: ["constant-field"],
    cpuComparedTo: ["constant-field"],
  },
  {
    name: "feed-one-watcher",
    description: "single mutations, 10 000 products, and one watcher of all",
    variant: "gateway",
    workload: uniform,
    connections,
    watchers: { count: 1, oneProductEach: false },
    comparedTo: ["mutation-uniform"],
  },
  {
    name: "feed-fan-out",
    description: "single mutations, 10 000 products, and 1 000 watchers of one each",
    variant: "gateway",
    workload: uniform,
    connections,
    watchers: { count: 1_000, oneProductEach: true },
    comparedTo: ["mutation-uniform", "feed-one-watcher"],
  },
];
