import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { runCampaign } from "./campaign.ts";
import { isSound } from "./check/tally.ts";
import type { Fault } from "./faults/fault.ts";
import { faults } from "./faults/table.ts";
import { namesOfViolations, toTable } from "./report.ts";

interface Options {
  readonly seconds: number;
  readonly seed: string;
  readonly clients: number;
  readonly only?: readonly Fault[];
  readonly json?: string;
}

const {
  seconds,
  seed,
  clients,
  only = faults,
  json,
} = new Command("torture")
  .description(
    "Runs real gateways and a real PostgreSQL through faults under load, and holds what clients were told against the database.",
  )
  .option("--seconds <number>", "for how long rounds are begun; every fault has one at least", parseSeconds, 300)
  .option("--seed <text>", "the same faults and commands again", randomBytes(4).toString("hex"))
  .option("--clients <number>", "how many clients are at work at once", parseClients, 16)
  .option(
    "--only <names>",
    `only these faults, with commas between: ${faults.map(({ name }) => name).join(", ")}`,
    parseNames,
  )
  .option("--json <file>", "also write the figures there")
  .showHelpAfterError()
  .parse()
  .opts<Options>();

console.log(`Seed ${seed}, ${seconds} s, ${clients} clients`);
const report = await runCampaign({
  faults: only,
  seconds,
  seed,
  clients,
  onRound: (fault, { tally }) => {
    const found = isSound(tally) ? "sound" : namesOfViolations(tally);
    console.log(
      `${fault}: ${tally.requests} requests, ${tally.acknowledged} acknowledged, ${tally.unknown} unknown: ${found}`,
    );
  },
});
console.log(`\n${toTable(report)}`);
for (const detail of report.details) console.error(detail);
if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
process.exitCode = isSound(report.totals) ? 0 : 1;

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 86_400)) throw new InvalidArgumentError("It has to be a number from 1 to 86400.");
  return value;
}

function parseClients(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError("It has to be a whole number from 1 to 500.");
  return value;
}

function parseNames(text: string): readonly Fault[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !faults.some((fault) => fault.name === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no fault "${unknown}".`);
  return faults.filter(({ name }) => names.includes(name));
}
