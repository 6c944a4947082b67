import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Figure } from "./figures.ts";
import type { Measurement } from "./measurement.ts";
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
}

type Compared = Pick<Figure, "name" | "comparedTo" | "cpuComparedTo">;

/** Puts beside each measurement how it compares with others of the same run. */
export function compare(figures: readonly Compared[], measurements: readonly Measurement[]): ReportedFigure[] {
  const byName = new Map(measurements.map((measurement) => [measurement.name, measurement]));
  return figures.flatMap(({ name, comparedTo = [], cpuComparedTo = [] }) => {
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
        cpuRatioTo: ratiosTo(cpuComparedTo, cpuRatio),
      },
    ];
  });
}

type Ratio = (own: Measurement, other: Measurement) => number | null;

function throughputRatio(own: Measurement, other: Measurement): number {
  return own.linesPerSecond === null || other.linesPerSecond === null
    ? own.requestsPerSecond / other.requestsPerSecond
    : own.linesPerSecond / other.linesPerSecond;
}

function cpuRatio(own: Measurement, other: Measurement): number | null {
  return own.serverCpuMicros === null || other.serverCpuMicros === null
    ? null
    : own.serverCpuMicros / other.serverCpuMicros;
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
  number("events/s", 0, ({ feed }) => feed?.eventsPerSecond),
  number("told p50 ms", 0, ({ feed }) => feed?.p50Ms),
  number("told p99 ms", 0, ({ feed }) => feed?.p99Ms),
  { title: "ratio to", align: "left", cell: ({ ratioTo }) => toRatios(ratioTo) },
  { title: "CPU ratio to", align: "left", cell: ({ cpuRatioTo }) => toRatios(cpuRatioTo) },
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

function rounded({ feed, ...rest }: Measurement): Measurement {
  const { requestsPerSecond, linesPerSecond, p50Ms, p99Ms, serverCpuMicros, groupSize } = rest;
  return {
    ...rest,
    requestsPerSecond: round(requestsPerSecond, 1),
    linesPerSecond: linesPerSecond === null ? null : round(linesPerSecond, 1),
    p50Ms: round(p50Ms, 3),
    p99Ms: round(p99Ms, 3),
    serverCpuMicros: serverCpuMicros === null ? null : round(serverCpuMicros, 1),
    groupSize: groupSize === null ? null : round(groupSize, 1),
    feed: feed === null ? null : { ...feed, eventsPerSecond: round(feed.eventsPerSecond, 1) },
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
