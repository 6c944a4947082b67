import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Figure } from "./figures.ts";
import type { Measurement } from "./measurement.ts";

/** A figure as --json writes it. */
export interface ReportedFigure extends Measurement {
  /** By the name of another figure: these requests per second through its. Only of figures that were measured in the same run. */
  readonly ratioTo: Readonly<Record<string, number>>;
}

/** Puts beside each measurement how it compares with others of the same run. */
export function compare(figures: readonly Figure[], measurements: readonly Measurement[]): ReportedFigure[] {
  const byName = new Map(measurements.map((measurement) => [measurement.name, measurement]));
  return figures.flatMap(({ name, comparedTo }) => {
    const own = byName.get(name);
    if (own === undefined) return [];
    const ratios = comparedTo.flatMap((other) => {
      const compared = byName.get(other);
      return compared === undefined
        ? []
        : [[other, round(own.requestsPerSecond / compared.requestsPerSecond, 2)] as const];
    });
    return [{ ...rounded(own), ratioTo: Object.fromEntries(ratios) }];
  });
}

/** The machine and what it runs, in one line. */
export function describeMachine(postgresVersion: string): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(2) ?? "?";
  return `${availableParallelism()} cores (${model}), ${memoryGiB} GiB, Node ${process.versions.node}, PostgreSQL ${postgresVersion}, load before ${load}`;
}

/** A table in Markdown, columns aligned. */
export function toTable(figures: readonly ReportedFigure[]): string {
  const header = [
    "figure",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "server CPU µs",
    "group size",
    "events/s",
    "told p50 ms",
    "told p99 ms",
    "ratio to",
  ];
  const rows = figures.map((figure) => [
    figure.name,
    figure.requestsPerSecond.toFixed(0),
    figure.p50Ms.toFixed(1),
    figure.p99Ms.toFixed(1),
    figure.serverCpuMicros.toFixed(0),
    figure.groupSize?.toFixed(1) ?? "",
    figure.feed?.eventsPerSecond.toFixed(0) ?? "",
    figure.feed?.p50Ms.toFixed(0) ?? "",
    figure.feed?.p99Ms.toFixed(0) ?? "",
    Object.entries(figure.ratioTo)
      .map(([name, ratio]) => `${ratio.toFixed(2)} × ${name}`)
      .join(", "),
  ]);
  const widths = header.map((title, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? title).length)),
  );
  const toLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (isNumeric(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) => (isNumeric(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [toLine(header), toLine(rule), ...rows.map(toLine)].join("\n");
}

function isNumeric(column: number): boolean {
  return column > 0 && column < 9;
}

function rounded({
  requestsPerSecond,
  p50Ms,
  p99Ms,
  serverCpuMicros,
  groupSize,
  feed,
  ...rest
}: Measurement): Measurement {
  return {
    ...rest,
    requestsPerSecond: round(requestsPerSecond, 1),
    p50Ms: round(p50Ms, 3),
    p99Ms: round(p99Ms, 3),
    serverCpuMicros: round(serverCpuMicros, 1),
    groupSize: groupSize === null ? null : round(groupSize, 1),
    feed: feed === null ? null : { ...feed, eventsPerSecond: round(feed.eventsPerSecond, 1) },
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
