import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { startBenchDatabases } from "./databases.ts";
import { figures, productCount } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { chooseLoad } from "./load.ts";
import { measure, whyNotMeasured } from "./measure.ts";
import type { Measurement } from "./measurement.ts";
import { compare, describeMachine, mediansOf, toFigureTable, toTargetTable } from "./report.ts";
import { judge } from "./targets.ts";

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly only?: readonly Figure[];
  readonly json?: string;
  readonly cpuProf?: string;
  readonly postgraphile?: string;
}

/** What came of a run. */
interface Run {
  readonly measurements: readonly Measurement[];
  /** By the names of figures: why they were not measured. */
  readonly omissions: readonly (readonly [string, string])[];
}

const {
  seconds,
  rounds,
  only = figures,
  json,
  cpuProf,
  postgraphile,
} = new Command("bench")
  .description(
    "Measures the gateway under load, on a durable PostgreSQL that it starts itself, against what it is compared with.",
  )
  .option("--seconds <number>", "how long each figure is measured, after a warm-up", parseSeconds, 10)
  .option("--rounds <number>", "how often it is all measured; the median counts", parseRounds, 1)
  .option(
    "--only <names>",
    `only these figures, with commas between: ${figures.map(({ name }) => name).join(", ")}`,
    parseNames,
  )
  .option("--json <file>", "also write the figures there, as a list")
  .option("--cpu-prof <folder>", "have each server write a CPU profile there; it costs a few percent")
  .option("--postgraphile <folder>", "where PostGraphile is installed: see bench/README.md")
  .showHelpAfterError()
  .parse()
  .opts<Options>();

const { measurements, omissions } = await measureAll();
const reported = compare(only, measurements);
console.log(`\n${toFigureTable(reported)}\n`);
for (const [name, reason] of omissions) console.log(`Not run: ${name}, because ${reason}`);
console.log(`\n${toTargetTable(judge(reported))}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify(reported, null, 2)}\n`);

async function measureAll(): Promise<Run> {
  const load = await chooseLoad();
  const databases = await startBenchDatabases(productCount);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // PostgreSQL would outlive this process, and so would its files.
    process.once(signal, () => void databases.close().finally(() => process.exit(1)));
  }
  const options = { load, seconds, profileDir: toPath(cpuProf), postgraphileDir: toPath(postgraphile) };
  try {
    console.log(
      `${describeMachine(databases.version)}; load by ${load.description}, ${seconds} s a figure${rounds === 1 ? "" : `, the median of ${rounds} rounds`}`,
    );
    const omissions: (readonly [string, string])[] = [];
    const measurable: Figure[] = [];
    for (const figure of only) {
      const omission = await whyNotMeasured(figure, options);
      if (omission === null) measurable.push(figure);
      else omissions.push([figure.name, omission]);
    }
    const measured: Measurement[] = [];
    for (let round = 1; round <= rounds; round += 1)
      for (const figure of measurable) {
        const { name, description, connections } = figure;
        console.log(`${name}: ${description}, ${connections} connection${connections === 1 ? "" : "s"} …`);
        measured.push(await measure(figure, databases, options));
      }
    return { measurements: mediansOf(measured), omissions };
  } finally {
    await databases.close();
  }
}

function toPath(folder: string | undefined): string | null {
  return folder === undefined ? null : resolve(folder);
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= 3_600))
    throw new InvalidArgumentError("It has to be a whole number from 1 to 3600.");
  return value;
}

function parseRounds(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= 99))
    throw new InvalidArgumentError("It has to be a whole number from 1 to 99.");
  return value;
}

function parseNames(text: string): readonly Figure[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !figures.some((figure) => figure.name === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no figure "${unknown}".`);
  return figures.filter(({ name }) => names.includes(name));
}
