import { mutationsOn } from "./workload.ts";
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
  /** The names of the figures whose requests per second this one's are divided by. */
  readonly comparedTo: readonly string[];
}

/** As many products as every database of the benchmark has. */
export const productCount = 10_000;
const connections = 32;
const uniform = mutationsOn(productCount);
const hot = mutationsOn(1);

/** Everything that is measured, in the order in which it is. */
export const figures: readonly Figure[] = [
  {
    name: "usual-uniform",
    description: "the usual resolver, 10 000 products",
    variant: "usual",
    workload: uniform,
    connections,
    comparedTo: [],
  },
  {
    name: "mutation-uniform",
    description: "single mutations, 10 000 products",
    variant: "gateway",
    workload: uniform,
    connections,
    comparedTo: ["usual-uniform"],
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
