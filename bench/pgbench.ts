import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHistogram } from "node:perf_hooks";
import type { BenchDatabase, BenchDatabases } from "./databases.ts";
import type { PgbenchFigure } from "./figures.ts";
import type { Stretch } from "./load.ts";
import { toMeasurement, warmUpSeconds } from "./measurement.ts";
import type { Measurement } from "./measurement.ts";
import { installMoveStock } from "./move-stock.ts";
import { findProgram, runProgram } from "./programs.ts";

/** Why pgbench can't be run; null where it can. */
export async function whyNoPgbench(): Promise<string | null> {
  return (await findProgram("pgbench", ["--version"])) === null
    ? "pgbench is not installed (Debian: postgresql-client-15)"
    : null;
}

/** Has pgbench do without a gateway what the gateway's clients ask for: as fast as this PostgreSQL can. */
export async function measurePgbench(
  figure: PgbenchFigure,
  databases: BenchDatabases,
  seconds: number,
): Promise<Measurement> {
  const database = await databases.create();
  const folder = await mkdtemp(join(tmpdir(), "inventory-gateway-pgbench-"));
  try {
    await installMoveStock(database.url);
    const script = join(folder, "script.sql");
    await writeFile(script, scriptOf(figure));
    const warmUp = await runPgbench(figure, database, folder, warmUpSeconds);
    const stretch = await runPgbench(figure, database, folder, seconds);
    await database.ledger.verify((warmUp.answers + stretch.answers) * figure.linesPerTransaction, 0);
    return toMeasurement(figure.name, stretch, figure.linesPerTransaction, {});
  } finally {
    await rm(folder, { recursive: true, force: true });
    await database.drop();
  }
}

/**
 * The same products, actions and quantities as the gateway is asked for, each drawn anew. Several in one transaction are several
 * calls in one statement: a round trip for each would take twice as long.
 */
function scriptOf({ products, linesPerTransaction }: PgbenchFigure): string {
  const actions = "(ARRAY['INCREMENT', 'ALLOCATE', 'DEALLOCATE', 'DECREMENT']::stock_action[])";
  const moveStock = (product: string, action: string, quantity: string): string =>
    `move_stock('product-' || lpad((${product})::text, 6, '0'), ${actions}[${action}], ${quantity})`;
  if (linesPerTransaction > 1) {
    const drawn = moveStock(`random(0, ${products - 1})`, "random(1, 4)", "random(1, 5)");
    return `SELECT count(${drawn}) FROM generate_series(1, ${linesPerTransaction});\n`;
  }
  const sets = [`product random(0, ${products - 1})`, "action random(1, 4)", "quantity random(1, 5)"];
  return `${sets.map((set) => `\\set ${set}\n`).join("")}SELECT ${moveStock(":product", ":action", ":quantity")};\n`;
}

/** How long each transaction took is written to files beside the script. */
async function runPgbench(
  { connections }: PgbenchFigure,
  { url }: BenchDatabase,
  folder: string,
  seconds: number,
): Promise<Stretch> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const prefix = "transactions";
  const threads = Math.min(2, connections);
  const output = await runProgram(
    "pgbench",
    [
      "--no-vacuum",
      "--protocol=prepared",
      `--client=${connections}`,
      `--jobs=${threads}`,
      `--time=${seconds}`,
      "--file=script.sql",
      "--log",
      `--log-prefix=${prefix}`,
      pathname.slice(1),
    ],
    { cwd: folder, env: { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password } },
  );
  const logs = (await readdir(folder)).filter((name) => name.startsWith(prefix)).map((name) => join(folder, name));
  const texts = await Promise.all(logs.map((file) => readFile(file, "utf8")));
  for (const file of logs) await rm(file);
  return { ...parsePgbenchOutput(output), ...latenciesOf(texts.join("")) };
}

/** Reads pgbench's summary. @throws Error where it has no figures, or a transaction failed */
export function parsePgbenchOutput(output: string): Pick<Stretch, "answers" | "seconds"> {
  const answers = Number(/^number of transactions actually processed: (\d+)/m.exec(output)?.[1]);
  const failed = Number(/^number of failed transactions: (\d+)/m.exec(output)?.[1] ?? 0);
  const perSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
  if (failed > 0) throw new Error(`${failed} transactions of pgbench failed`);
  if (!(answers > 0 && perSecond > 0)) throw new Error(`pgbench printed no figures: ${output}`);
  return { answers, seconds: answers / perSecond };
}

/** Reads pgbench's log: a line a transaction, whose third number is its microseconds. */
export function latenciesOf(log: string): Pick<Stretch, "p50Ms" | "p99Ms"> {
  const micros = createHistogram();
  for (const line of log.split("\n")) if (line !== "") micros.record(Math.max(1, Number(line.split(" ")[2])));
  return { p50Ms: micros.percentile(50) / 1_000, p99Ms: micros.percentile(99) / 1_000 };
}
