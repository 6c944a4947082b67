import type { BenchDatabases } from "./databases.ts";
import type { Figure } from "./figures.ts";
import type { Measurement, MeasurementOptions } from "./measurement.ts";
import { measurePageStatement } from "./page-statement.ts";
import { measurePgbench, whyNoPgbench } from "./pgbench.ts";
import { measureServer } from "./server-figure.ts";

/** Why a figure can't be measured here; null where it can. */
export async function whyNotMeasured(
  figure: Figure,
  { postgraphileDir }: Pick<MeasurementOptions, "postgraphileDir">,
): Promise<string | null> {
  if (figure.kind === "pgbench") return whyNoPgbench();
  if (figure.kind === "server" && figure.variant === "postgraphile" && postgraphileDir === null)
    return "--postgraphile names no folder where it is installed (bench/README.md)";
  return null;
}

/**
 * Measures one figure on a database of its own.
 * @throws Error when an answer was no success, or the ledger says something else than the answers
 */
export function measure(figure: Figure, databases: BenchDatabases, options: MeasurementOptions): Promise<Measurement> {
  switch (figure.kind) {
    case "server":
      return measureServer(figure, databases, options);
    case "pgbench":
      return measurePgbench(figure, databases, options.seconds);
    case "page statement":
      return measurePageStatement(figure, databases, options.seconds);
  }
}
