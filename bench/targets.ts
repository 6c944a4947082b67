import type { MemoryUse } from "./memory-use.ts";
import type { ReportedFigure } from "./report.ts";

/** What a target's figure has to be. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/** What one run says about one target. */
export interface Verdict {
  readonly description: string;
  readonly bound: Bound;
  /** Null where the run did not measure what it takes. */
  readonly measured: number | null;
  readonly isReached: boolean | null;
}

/** The run's figures, by name. */
type Run = ReadonlyMap<string, ReportedFigure>;

/** Before so many requests nobody can say whether memory grows. */
const memoryRequestsMin = 1_000_000;

interface Target {
  readonly description: string;
  readonly bound: Bound;
  readonly measure: (run: Run) => number | undefined;
}

/** How fast it is meant to be: ratios within one run on two cores. */
const targets: readonly Target[] = [
  {
    description: "single mutation against the usual resolver, requests/s, 10 000 products",
    bound: { atLeast: 10 },
    measure: ratio("mutation-uniform", "usual-uniform"),
  },
  {
    description: "single mutation against the usual resolver, requests/s, one product",
    bound: { atLeast: 13 },
    measure: ratio("mutation-hot", "usual-hot"),
  },
  {
    description: "single mutation against PostGraphile with an SQL function, requests/s, 10 000 products",
    bound: { atLeast: 2 },
    measure: ratio("mutation-uniform", "postgraphile-uniform"),
  },
  {
    description: "single mutation against PostGraphile with an SQL function, requests/s, one product",
    bound: { atLeast: 2 },
    measure: ratio("mutation-hot", "postgraphile-hot"),
  },
  {
    description: "server CPU of a mutation against one that answers a constant",
    bound: { atMost: 1.5 },
    measure: cpuRatio("mutation-uniform", "constant-field"),
  },
  {
    description: "one product against 10 000, requests/s",
    bound: { atLeast: 0.95 },
    measure: ratio("mutation-hot", "mutation-uniform"),
  },
  {
    description: "one product against pgbench, one commit a transaction",
    bound: { atLeast: 2 },
    measure: ratio("mutation-hot", "pgbench-hot"),
  },
  {
    description: "batches of 100 against pgbench, 100 a transaction on one connection, lines/s",
    bound: { atLeast: 0.5 },
    measure: ratio("batch", "pgbench-batch"),
  },
  {
    description: "stock by id against the constant field, requests/s",
    bound: { atLeast: 0.6 },
    measure: ratio("stock", "constant-field"),
  },
  {
    description: "page of 20 with history: database time against one statement by hand",
    bound: { atMost: 2 },
    measure: databaseRatio("stocks-page-alone", "stocks-page-sql"),
  },
  {
    description: "the same among 1 000 000 stock transactions",
    bound: { atMost: 2 },
    measure: databaseRatio("stocks-page-large-alone", "stocks-page-large-sql"),
  },
  {
    description: "p99 against p50 at 32 connections, 10 000 products",
    bound: { atMost: 4 },
    measure: tail("mutation-uniform"),
  },
  {
    description: "p99 against p50 at 32 connections, one product",
    bound: { atMost: 4 },
    measure: tail("mutation-hot"),
  },
  {
    description: "memory at 512 connections, during 1 000 000 requests: MB at most",
    bound: { atMost: 400 },
    measure: memoryOf("mutation-512", ({ rssMaxMb }) => rssMaxMb),
  },
  {
    description: "the same: last third of the time through first third",
    bound: { atMost: 1.1 },
    measure: memoryOf("mutation-512", ({ growth }) => growth),
  },
];

/** Holds a run's figures to the targets. */
export function judge(figures: readonly ReportedFigure[]): Verdict[] {
  const run: Run = new Map(figures.map((figure) => [figure.name, figure]));
  return targets.map(({ description, bound, measure }) => {
    const measured = measure(run) ?? null;
    return { description, bound, measured, isReached: measured === null ? null : isWithin(measured, bound) };
  });
}

function isWithin(measured: number, bound: Bound): boolean {
  return "atLeast" in bound ? measured >= bound.atLeast : measured <= bound.atMost;
}

function ratio(name: string, other: string): Target["measure"] {
  return (run) => run.get(name)?.ratioTo[other];
}

function databaseRatio(name: string, other: string): Target["measure"] {
  return (run) => run.get(name)?.databaseRatioTo[other];
}

/** Says nothing of a run that is too short to tell. */
function memoryOf(name: string, valueOf: (memory: MemoryUse) => number): Target["measure"] {
  return (run) => {
    const memory = run.get(name)?.memory ?? null;
    return memory === null || memory.requests < memoryRequestsMin ? undefined : valueOf(memory);
  };
}

function cpuRatio(name: string, other: string): Target["measure"] {
  return (run) => run.get(name)?.cpuRatioTo[other];
}

function tail(name: string): Target["measure"] {
  return (run) => {
    const figure = run.get(name);
    return figure === undefined ? undefined : figure.p99Ms / figure.p50Ms;
  };
}
