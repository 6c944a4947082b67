import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { startBenchDatabases } from "./databases.ts";
import { figures, productCount } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { measure } from "./measurement.ts";
import type { Measurement } from "./measurement.ts";
import { compare, describeMachine, toFigureTable, toTargetTable } from "./report.ts";
import { judge } from "./targets.ts";

interface Options {
  readonly seconds: number;
  readonly only?: readonly Figure[];
  readonly json?: string;
  readonly cpuProf?: string;
}

const {
  seconds,
  only = figures,
  json,
  cpuProf,
} = new Command("bench")
  .description(
    "Measures the gateway under load, on a durable PostgreSQL that it starts itself, against what it is compared with.",
  )
  .option("--seconds <number>", "how long each figure is measured, after a warm-up", parseSeconds, 10)
  .option(
    "--only <names>",
    `only these figures, with commas between: ${figures.map(({ name }) => name).join(", ")}`,
    parseNames,
  )
  .option("--json <file>", "also write the figures there, as a list")
  .option("--cpu-prof <folder>", "have each server write a CPU profile there; it costs a few percent")
  .showHelpAfterError()
  .parse()
  .opts<Options>();

const measurements = await measureAll();
const reported = compare(only, measurements);
console.log(`\n${toFigureTable(reported)}\n\nTargets:\n\n${toTargetTable(judge(reported))}`);
if (json !== undefined) await writeFile(json, `${JSON.stringify(reported, null, 2)}\n`);

async function measureAll(): Promise<Measurement[]> {
  const databases = await startBenchDatabases(productCount);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // PostgreSQL would outlive this process, and so would its files.
    process.once(signal, () => void databases.close().finally(() => process.exit(1)));
  }
  try {
    console.log(describeMachine(databases.version));
    const done: Measurement[] = [];
    for (const figure of only) {
      console.log(`${figure.name}: ${figure.description}, ${figure.connections} connections, ${seconds} s …`);
      done.push(
        await measure(figure, databases, { seconds, profileDir: cpuProf === undefined ? null : resolve(cpuProf) }),
      );
    }
    return done;
  } finally {
    await databases.close();
  }
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value <= 3_600)) throw new InvalidArgumentError("It has to be a number from 0.5 to 3600.");
  return value;
}

function parseNames(text: string): readonly Figure[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !figures.some((figure) => figure.name === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no figure "${unknown}".`);
  return figures.filter(({ name }) => names.includes(name));
}
