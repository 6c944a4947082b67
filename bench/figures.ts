import type { LedgerSize } from "./databases.ts";
import type { ServerVariant } from "./server-process.ts";
import type { WatchersPlan } from "./watchers.ts";
import { batchesOn, mutationsOn, pagesOf, postgraphileMutationsOn, restIncrementsOn, stocksOf } from "./workload.ts";
import type { Workload } from "./workload.ts";

/** One line of the table: what is measured, and what the outcome is compared with. */
export type Figure = ServerFigure | PgbenchFigure | PageStatementFigure;

interface FigureBase {
  readonly name: string;
  readonly description: string;
  readonly connections: number;
  /** The names of the figures that this one's throughput is divided by. */
  readonly comparedTo?: readonly string[];
  /** The names of the figures whose server CPU per request this one's is divided by. */
  readonly cpuComparedTo?: readonly string[];
  /** The names of the figures whose database time per request this one's is divided by. */
  readonly databaseComparedTo?: readonly string[];
}

/** A server, and what is asked of it. */
export interface ServerFigure extends FigureBase {
  readonly kind: "server";
  readonly variant: ServerVariant;
  readonly workload: Workload;
  /** Small where it is not said. */
  readonly ledger?: LedgerSize;
  /** Processes that serve; one where it is not said. */
  readonly workers?: number;
  /** Who watches the feed meanwhile; nobody where it is not said. */
  readonly watchers?: WatchersPlan;
  /** Whether PostgreSQL is to say how long it took. */
  readonly timesStatements?: boolean;
}

/** pgbench, which settles stock transactions in the database itself. */
export interface PgbenchFigure extends FigureBase {
  readonly kind: "pgbench";
  readonly products: number;
  readonly linesPerTransaction: number;
}

/** What a page of stocks with history takes in one statement, without a gateway. */
export interface PageStatementFigure extends FigureBase {
  readonly kind: "page statement";
  readonly ledger: LedgerSize;
}

/** As many products as every database of the benchmark has. */
export const productCount = 10_000;
const batchLines = 100;

const uniform = mutationsOn(productCount);
const hot = mutationsOn(1);
const pages = pagesOf(productCount);
const onGateway = { kind: "server", variant: "gateway", connections: 32 } as const;
const onUsual = { ...onGateway, variant: "usual" } as const;
const onPostgraphile = { ...onGateway, variant: "postgraphile" } as const;
const byPgbench = { kind: "pgbench", connections: 32, linesPerTransaction: 1 } as const;

/** Everything that is measured, in the order in which it is. */
export const figures: readonly Figure[] = [
  {
    ...onGateway,
    name: "constant-field",
    description: "a mutation that answers a constant on the same stack",
    variant: "constant",
    workload: uniform,
  },
  { ...onUsual, name: "usual-uniform", description: "the usual resolver, 10 000 products", workload: uniform },
  {
    ...onGateway,
    name: "mutation-uniform",
    description: "single mutations, 10 000 products",
    workload: uniform,
    comparedTo: ["usual-uniform", "constant-field", "postgraphile-uniform", "pgbench-uniform"],
    cpuComparedTo: ["constant-field"],
  },
  {
    ...onUsual,
    name: "usual-hot",
    description: "the usual resolver, one product",
    workload: hot,
    comparedTo: ["usual-uniform"],
  },
  {
    ...onGateway,
    name: "mutation-hot",
    description: "single mutations, one product",
    workload: hot,
    comparedTo: ["usual-hot", "mutation-uniform", "postgraphile-hot", "pgbench-hot"],
    cpuComparedTo: ["constant-field"],
  },
  {
    ...byPgbench,
    name: "pgbench-uniform",
    description: "pgbench, one commit a stock transaction, 10 000 products",
    products: productCount,
  },
  {
    ...byPgbench,
    name: "pgbench-hot",
    description: "pgbench, one commit a stock transaction, one product",
    products: 1,
  },
  {
    ...onPostgraphile,
    name: "postgraphile-uniform",
    description: "PostGraphile with an SQL function, 10 000 products",
    workload: postgraphileMutationsOn(productCount),
  },
  {
    ...onPostgraphile,
    name: "postgraphile-hot",
    description: "PostGraphile with an SQL function, one product",
    workload: postgraphileMutationsOn(1),
  },
  {
    ...byPgbench,
    name: "pgbench-batch",
    description: "pgbench, 100 stock transactions a commit, 10 000 products",
    products: productCount,
    connections: 1,
    linesPerTransaction: batchLines,
  },
  {
    ...onGateway,
    name: "batch",
    description: "batches of 100 lines, 10 000 products",
    workload: batchesOn(productCount, batchLines),
    comparedTo: ["pgbench-batch", "mutation-uniform"],
  },
  {
    ...onGateway,
    name: "stock",
    description: "the stock of one product, by its id",
    workload: stocksOf(productCount),
    comparedTo: ["constant-field"],
    cpuComparedTo: ["constant-field"],
  },
  {
    ...onGateway,
    name: "rest-increment",
    description: "single increments over REST, 10 000 products",
    workload: restIncrementsOn(productCount),
    comparedTo: ["mutation-uniform"],
    cpuComparedTo: ["mutation-uniform"],
  },
  ...pageFigures("small", "stocks-page", "a page of 20 stocks with their last 3 stock transactions"),
  ...pageFigures("large", "stocks-page-large", "the same among 1 000 000 stock transactions"),
  {
    ...onGateway,
    name: "feed-one-watcher",
    description: "single mutations, 10 000 products, and one watcher of all",
    workload: uniform,
    watchers: { count: 1, oneProductEach: false },
    comparedTo: ["mutation-uniform"],
  },
  {
    ...onGateway,
    name: "feed-fan-out",
    description: "single mutations, 10 000 products, and 1 000 watchers of one each",
    workload: uniform,
    watchers: { count: 1_000, oneProductEach: true },
    comparedTo: ["mutation-uniform", "feed-one-watcher"],
  },
  {
    ...onGateway,
    name: "workers-2-uniform",
    description: "single mutations, 10 000 products, WORKERS=2",
    workload: uniform,
    workers: 2,
    comparedTo: ["mutation-uniform"],
  },
  {
    ...onGateway,
    name: "workers-2-hot",
    description: "single mutations, one product, WORKERS=2",
    workload: hot,
    workers: 2,
    comparedTo: ["mutation-hot"],
  },
  ...[1, 8, 128, 512].map((connections) => ({
    ...onGateway,
    name: `mutation-${connections}`,
    description: "single mutations, 10 000 products",
    workload: uniform,
    connections,
    comparedTo: ["mutation-uniform"],
  })),
];

/** A page as many ask for it, and then as one client does, beside what it takes by hand: nobody else makes statements wait. */
function pageFigures(ledger: LedgerSize, name: string, description: string): Figure[] {
  return [
    {
      ...onGateway,
      name,
      description,
      workload: pages,
      ledger,
      ...(ledger === "large" ? { comparedTo: ["stocks-page"] } : {}),
    },
    {
      kind: "page statement",
      name: `${name}-sql`,
      description: `${description}: one statement, written by hand`,
      connections: 1,
      ledger,
    },
    {
      ...onGateway,
      name: `${name}-alone`,
      description: `${description}: database time`,
      connections: 1,
      workload: pages,
      ledger,
      timesStatements: true,
      databaseComparedTo: [`${name}-sql`],
    },
  ];
}
