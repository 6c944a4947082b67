import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { runCampaign } from "./campaign.ts";
import { isSound } from "./check/tally.ts";
import { controls, runControl } from "./controls/controls.ts";
import { faults } from "./faults/table.ts";
import { namesOfUnstruck, namesOfViolations, toTable } from "./report.ts";
import { openRunFolder } from "./run-folder.ts";
import { runSoak } from "./soak.ts";

interface Options {
  readonly seconds: number;
  readonly seed: string;
  readonly clients: number;
  readonly only?: readonly string[];
  readonly json?: string;
  readonly controls: boolean;
  readonly soak?: number;
}

const {
  seconds,
  seed,
  clients,
  only,
  json,
  controls: isControl,
  soak: soakMinutes,
} = new Command("torture")
  .description(
    "Runs real gateways and a real PostgreSQL through faults under load, and holds what clients were told against the database.",
  )
  .option("--seconds <number>", "for how long rounds are begun; every fault has one at least", parseSeconds, 300)
  .option("--seed <text>", "the same faults and commands again", randomBytes(4).toString("hex"))
  .option("--clients <number>", "how many clients are at work at once", parseClients, 16)
  .option(
    "--only <names>",
    `only these, with commas between: ${namesOf(faults)}; of controls: ${namesOf(controls)}`,
    toNames,
  )
  .option("--json <file>", "also write the figures there")
  .option("--controls", "run gateways that are broken on purpose instead: each has to be found out", false)
  .option("--soak <minutes>", "half of the load that the gateways can take instead, without a fault", parseMinutes)
  .showHelpAfterError()
  .parse()
  .opts<Options>();

console.log(`Seed ${seed}`);
const runFolder = openRunFolder();
process.exitCode = (await runChosen()) ? 0 : 1;

async function runChosen(): Promise<boolean> {
  if (isControl) return runControls();
  return soakMinutes === undefined ? runFaults() : runLong(soakMinutes);
}

/** @returns whether nothing happened that must not, and memory and latency stayed where they were */
async function runLong(minutes: number): Promise<boolean> {
  const { fullRequestsPerSecond, samples, findings } = await runSoak({
    runFolder,
    minutes,
    seed,
    clients,
    onFullLoad: (requestsPerSecond) => console.log(`full load: ${requestsPerSecond} requests/s`),
    onMinute: ({ minute, requestsPerSecond, p50Ms, p99Ms, residentMegabytes }) => {
      const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
      console.log(`minute ${minute}: ${requestsPerSecond} requests/s, ${latency}, ${residentMegabytes.join(" + ")} MB`);
    },
  });
  for (const detail of findings.details) console.error(detail);
  console.log(isSound(findings.tally) ? "sound" : namesOfViolations(findings.tally));
  if (json !== undefined)
    await writeFile(
      json,
      `${JSON.stringify({ seed, totals: findings.tally, fullRequestsPerSecond, minutes: samples }, null, 2)}\n`,
    );
  return isSound(findings.tally);
}

/** @returns whether nothing happened that must not */
async function runFaults(): Promise<boolean> {
  const report = await runCampaign({
    runFolder,
    faults: chosenOf(faults),
    seconds,
    seed,
    clients,
    onRound: (fault, { tally, figures }) => {
      const found = isSound(tally) ? "sound" : namesOfViolations(tally);
      const { struck, requests, acknowledged, unknown, unservedMsMax } = tally;
      const gap = `${(unservedMsMax / 1_000).toFixed(1)} s without an answer`;
      console.log(
        `${clock()} ${fault}: struck ${struck}, ${requests} requests, ${acknowledged} acknowledged, ${unknown} unknown, ${gap}: ${found}`,
      );
      for (const figure of figures) console.log(`           ${figure}`);
    },
  });
  console.log(`\n${toTable(report)}`);
  for (const { name, reason } of report.notRun) console.error(`Not run: ${name}: ${reason}`);
  const unstruck = namesOfUnstruck(report);
  if (unstruck.length > 0) console.error(`Did not strike once: ${unstruck.join(", ")}`);
  for (const detail of report.details) console.error(detail);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  return isSound(report.totals) && report.notRun.length === 0 && unstruck.length === 0;
}

/** @returns whether each control came out as it has to */
async function runControls(): Promise<boolean> {
  let areAsExpected = true;
  for (const control of chosenOf(controls)) {
    const { tally, isAsExpected } = await runControl(control, { runFolder, seed });
    areAsExpected &&= isAsExpected;
    const verdict = isAsExpected ? "as expected" : `WRONG: ${control.reason ?? "sound"} was expected`;
    console.log(
      `${clock()} ${control.name} (${control.description}): ${namesOfViolations(tally) || "sound"}: ${verdict}`,
    );
  }
  return areAsExpected;
}

/** Since the start of the run: "12.3 s". */
function clock(): string {
  return `${(performance.now() / 1_000).toFixed(1).padStart(6)} s`;
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 86_400)) throw new InvalidArgumentError("It has to be a number from 1 to 86400.");
  return value;
}

function parseMinutes(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_440)
    throw new InvalidArgumentError("It has to be a whole number from 1 to 1440.");
  return value;
}

function parseClients(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError("It has to be a whole number from 1 to 500.");
  return value;
}

function toNames(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

interface Named {
  readonly name: string;
}

function namesOf(all: readonly Named[]): string {
  return all.map(({ name }) => name).join(", ");
}

/** Those that `--only` names; all of them without it. */
function chosenOf<T extends Named>(all: readonly T[]): readonly T[] {
  if (only === undefined) return all;
  const unknown = only.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`There is no "${unknown}" among ${namesOf(all)}`);
  return all.filter(({ name }) => only.includes(name));
}
