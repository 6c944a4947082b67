import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Figure } from "./figures.ts";
import type { Measurement } from "./measurement.ts";
import { medianBy } from "./median.ts";
import { toTable } from "./table.ts";
import type { Column } from "./table.ts";
import type { Verdict } from "./targets.ts";

/** A figure as --json writes it. */
export interface ReportedFigure extends Measurement {
  /**
   * By the name of another figure of the same run: this one's throughput through its. That is lines a second where both ask for
   * stock transactions, else requests a second.
   */
  readonly ratioTo: Readonly<Record<string, number>>;
  /** The same for server CPU per request. */
  readonly cpuRatioTo: Readonly<Record<string, number>>;
  /** The same for database time per request. */
  readonly databaseRatioTo: Readonly<Record<string, number>>;
}

/** Of the measurements of each figure in several rounds, the one with the median throughput; in the order of the first round. */
export function mediansOf(measurements: readonly Measurement[]): Measurement[] {
  const rounds = new Map<string, Measurement[]>();
  for (const measurement of measurements)
    rounds.set(measurement.name, [...(rounds.get(measurement.name) ?? []), measurement]);
  return [...rounds.values()].flatMap((same) => {
    const median = medianBy(same, ({ requestsPerSecond }) => requestsPerSecond);
    return median === undefined ? [] : [median];
  });
}

type Compared = Pick<Figure, "name" | "comparedTo" | "cpuComparedTo" | "databaseComparedTo">;

/** Puts beside each measurement how it compares with others of the same run. */
export function compare(figures: readonly Compared[], measurements: readonly Measurement[]): ReportedFigure[] {
  const byName = new Map(measurements.map((measurement) => [measurement.name, measurement]));
  return figures.flatMap(({ name, comparedTo = [], cpuComparedTo = [], databaseComparedTo = [] }) => {
    const own = byName.get(name);
    if (own === undefined) return [];
    const ratiosTo = (names: readonly string[], ratio: Ratio): Record<string, number> =>
      Object.fromEntries(
        names.flatMap((other) => {
          const compared = byName.get(other);
          const value = compared === undefined ? null : ratio(own, compared);
          return value === null ? [] : [[other, round(value, 2)] as const];
        }),
      );
    return [
      {
        ...rounded(own),
        ratioTo: ratiosTo(comparedTo, throughputRatio),
        cpuRatioTo: ratiosTo(cpuComparedTo, (one, other) => quotient(one.serverCpuMicros, other.serverCpuMicros)),
        databaseRatioTo: ratiosTo(databaseComparedTo, (one, other) =>
          quotient(one.databaseMicros, other.databaseMicros),
        ),
      },
    ];
  });
}

type Ratio = (own: Measurement, other: Measurement) => number | null;

function throughputRatio(own: Measurement, other: Measurement): number {
  return quotient(own.linesPerSecond, other.linesPerSecond) ?? own.requestsPerSecond / other.requestsPerSecond;
}

function quotient(own: number | null, other: number | null): number | null {
  return own === null || other === null ? null : own / other;
}

/** The machine and what it runs, in one line. */
export function describeMachine(postgresVersion: string): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(2) ?? "?";
  return `${availableParallelism()} cores (${model}), ${memoryGiB} GiB, Node ${process.versions.node}, PostgreSQL ${postgresVersion}, load before ${load}`;
}

/** What was measured, in Markdown. */
export function toFigureTable(figures: readonly ReportedFigure[]): string {
  return toTable(figureColumns, figures);
}

const figureColumns: readonly Column<ReportedFigure>[] = [
  { title: "figure", align: "left", cell: ({ name }) => name },
  number("requests/s", 0, ({ requestsPerSecond }) => requestsPerSecond),
  number("lines/s", 0, ({ linesPerSecond, requestsPerSecond }) =>
    linesPerSecond === requestsPerSecond ? null : linesPerSecond,
  ),
  number("p50 ms", 1, ({ p50Ms }) => p50Ms),
  number("p99 ms", 1, ({ p99Ms }) => p99Ms),
  number("server CPU µs", 0, ({ serverCpuMicros }) => serverCpuMicros),
  number("group size", 1, ({ groupSize }) => groupSize),
  number("database µs", 0, ({ databaseMicros }) => databaseMicros),
  number("RSS MB", 0, ({ memory }) => memory?.rssMaxMb),
  number("events/s", 0, ({ feed }) => feed?.eventsPerSecond),
  number("told p50 ms", 0, ({ feed }) => feed?.p50Ms),
  number("told p99 ms", 0, ({ feed }) => feed?.p99Ms),
  { title: "ratio to", align: "left", cell: ({ ratioTo }) => toRatios(ratioTo) },
  { title: "CPU ratio to", align: "left", cell: ({ cpuRatioTo }) => toRatios(cpuRatioTo) },
  { title: "database ratio to", align: "left", cell: ({ databaseRatioTo }) => toRatios(databaseRatioTo) },
];

function number<Row>(title: string, digits: number, valueOf: (row: Row) => number | null | undefined): Column<Row> {
  return { title, align: "right", cell: (row) => valueOf(row)?.toFixed(digits) ?? "" };
}

function toRatios(ratios: Readonly<Record<string, number>>): string {
  return Object.entries(ratios)
    .map(([name, ratio]) => `${ratio.toFixed(2)} × ${name}`)
    .join(", ");
}

/** What was aimed at and what it came to, in Markdown. */
export function toTargetTable(verdicts: readonly Verdict[]): string {
  return toTable(verdictColumns, verdicts);
}

const verdictColumns: readonly Column<Verdict>[] = [
  { title: "target", align: "left", cell: ({ description }) => description },
  {
    title: "bound",
    align: "right",
    cell: ({ bound }) => ("atLeast" in bound ? `at least ${bound.atLeast}` : `at most ${bound.atMost}`),
  },
  number("measured", 2, ({ measured }) => measured),
  {
    title: "verdict",
    align: "left",
    cell: ({ isReached }) => (isReached === null ? "not measured" : isReached ? "reached" : "missed"),
  },
];

function rounded({ name, feed, memory, ...numbers }: Measurement): Measurement {
  return {
    name,
    requestsPerSecond: round(numbers.requestsPerSecond, 1),
    linesPerSecond: roundIfAny(numbers.linesPerSecond, 1),
    p50Ms: round(numbers.p50Ms, 3),
    p99Ms: round(numbers.p99Ms, 3),
    serverCpuMicros: roundIfAny(numbers.serverCpuMicros, 1),
    groupSize: roundIfAny(numbers.groupSize, 1),
    databaseMicros: roundIfAny(numbers.databaseMicros, 1),
    memory: memory && { ...memory, rssMaxMb: round(memory.rssMaxMb, 1), growth: round(memory.growth, 3) },
    feed: feed && { ...feed, eventsPerSecond: round(feed.eventsPerSecond, 1) },
  };
}

function roundIfAny(value: number | null, digits: number): number | null {
  return value === null ? null : round(value, digits);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
