import { addTally, createTally, Findings } from "./check/tally.ts";
import type { Tally } from "./check/tally.ts";
import { auditLevels } from "./check/ledger.ts";
import type { Fault } from "./faults/fault.ts";
import { Random } from "./random.ts";
import { runRound } from "./round.ts";
import { World } from "./world/world.ts";

export interface CampaignOptions {
  /** Of the run: see openRunFolder. */
  readonly runFolder: string;
  readonly faults: readonly Fault[];
  /** For how long rounds are begun; every fault has one, however little time there is. */
  readonly seconds: number;
  readonly seed: string;
  readonly clients: number;
  /** Told of each round as it ends. */
  readonly onRound?: (fault: string, findings: Findings) => void;
}

/** One fault's line of the report. */
export interface FaultReport extends Tally {
  readonly name: string;
  readonly description: string;
}

export interface CampaignReport {
  readonly seed: string;
  readonly totals: Tally;
  readonly faults: readonly FaultReport[];
  /** Faults that this machine lacks something for: they have not been survived. */
  readonly notRun: readonly { readonly name: string; readonly reason: string }[];
  /** A sentence for each thing that happened and must not. */
  readonly details: readonly string[];
  /** A sentence for what each fault measured besides, round by round. */
  readonly figures: readonly string[];
}

/** A fault's time besides the hold itself: load before it, recovery, the reckoning. */
const overheadMs = 4_000;

/**
 * Runs rounds of faults, each fault in the order that the seed gives, again and again until the time is up. Faults with
 * the same needs come together, in one world.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { faults, seconds, seed } = options;
  const reports = new Map(faults.map(({ name, description }) => [name, { name, description, ...createTally() }]));
  const totals = createTally();
  const details: string[] = [];
  const figures: string[] = [];
  const notRun: { name: string; reason: string }[] = [];
  const random = new Random(seed);
  const settings = [...new Set(faults.map(({ needs }) => needs))];
  for (const setting of settings) {
    const own = faults.filter(({ needs }) => needs === setting);
    const obstacle = setting.findObstacle?.(options.runFolder) ?? null;
    if (obstacle !== null) {
      notRun.push(...own.map(({ name }) => ({ name, reason: obstacle })));
      continue;
    }
    // Each setting has time by the number of its faults.
    const budgetMs = (seconds * 1_000 * own.length) / faults.length;
    const add = (name: string, findings: Findings): void => {
      const report = reports.get(name);
      if (report !== undefined) addTally(report, findings.tally);
      addTally(totals, findings.tally);
      details.push(...findings.details.map((detail) => `${name}: ${detail}`));
      figures.push(...findings.figures.map((figure) => `${name}: ${figure}`));
      options.onRound?.(name, findings);
    };
    await runSetting(own, { ...options, random: random.fork(setting.name), budgetMs, add });
  }
  return { seed, totals, faults: [...reports.values()], notRun, details, figures };
}

interface SettingOptions extends CampaignOptions {
  readonly random: Random;
  readonly budgetMs: number;
  readonly add: (fault: string, findings: Findings) => void;
}

async function runSetting(faults: readonly Fault[], options: SettingOptions): Promise<void> {
  const { runFolder, clients, random, budgetMs, add } = options;
  const [first] = faults;
  if (first === undefined) return;
  const longMs = faults.reduce((sum, { holdMs }) => sum + holdMs.long + overheadMs, 0);
  const world = await World.open(first.needs, { runFolder });
  try {
    const deadline = Date.now() + budgetMs;
    let round = 0;
    do {
      const cycle = random.fork(`cycle ${round}`);
      for (const fault of cycle.shuffle(faults)) {
        round += 1;
        if (round > faults.length && Date.now() > deadline) break;
        const prefix = `${round}-${fault.name}-`;
        const holdMs = budgetMs >= longMs ? fault.holdMs.long : fault.holdMs.short;
        try {
          add(fault.name, await runRound(world, fault, { prefix, random: cycle.fork(prefix), clients, holdMs }));
        } catch (error) {
          const findings = new Findings();
          findings.add("notRecovered", error instanceof Error ? error.message : String(error));
          add(fault.name, findings);
          // What could not be brought back to where it was is no place for another round.
          return;
        }
      }
    } while (Date.now() < deadline);
    // What a later round may have undone.
    const last = new Findings();
    await auditLevels(world, "", last);
    if (last.details.length > 0) add("at the end", last);
  } finally {
    await world.close();
  }
}
