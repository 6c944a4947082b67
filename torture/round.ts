import { setTimeout as wait } from "node:timers/promises";
import { compareAnswers } from "./check/answers.ts";
import { historiesOf } from "./check/history.ts";
import { auditLevels, readLedger } from "./check/ledger.ts";
import { findContradiction } from "./check/linearizability.ts";
import { awaitRecovery } from "./check/recovery.ts";
import { Findings } from "./check/tally.ts";
import type { Fault } from "./faults/fault.ts";
import { Load } from "./load/load.ts";
import type { LoadOptions } from "./load/load.ts";
import { resolveUnknown } from "./load/resolution.ts";
import { createAssortment } from "./load/workload.ts";
import type { Random } from "./random.ts";
import type { World } from "./world/world.ts";

export interface RoundOptions extends Pick<LoadOptions, "twicePercent"> {
  /** Begins the ids of the round's products: no other round has them. */
  readonly prefix: string;
  readonly random: Random;
  readonly clients: number;
  /** How long the fault is kept up, in milliseconds. */
  readonly holdMs: number;
}

/** So many requests are answered before a fault begins. */
const warmUpRequests = 100;
const warmUpTimeoutMs = 20_000;

/** Load, a fault in it, the time after it, and then the reckoning: one round, on products of its own. */
export async function runRound(world: World, fault: Fault, options: RoundOptions): Promise<Findings> {
  const findings = new Findings();
  const urls = world.stations.map(({ url }) => url);
  const token = await world.requestToken();
  const assortment = createAssortment(options.prefix);
  const load = new Load({ ...options, urls, token, assortment, random: options.random.fork("load") });
  load.start();
  try {
    await load.hasAnswered(warmUpRequests, warmUpTimeoutMs);
    const end = await fault.begin({ world, load, random: options.random.fork("fault"), findings });
    try {
      await wait(options.holdMs);
    } finally {
      await end();
    }
    await awaitRecovery(world, load, findings);
  } finally {
    await load.stop();
  }
  await reckon(world, load, findings);
  return findings;
}

/**
 * Resolves what clients were not told, and holds all that they were told against the database.
 * @param areLevelsAudited whether levels are recomputed from the ledger, which reads all of it
 */
export async function reckon(world: World, load: Load, findings: Findings, areLevelsAudited = true): Promise<void> {
  const { tally } = findings;
  const unservedMsMax = longestGapOf(load);
  const { unknown, resolved, contradictions } = await resolveUnknown(load);
  Object.assign(tally, {
    rounds: 1,
    unknown,
    unknownApplied: resolved.applied,
    unknownRefused: resolved.refused,
    unknownNever: resolved.never,
    unknownWithoutKey: resolved.byLedger,
    unservedMsMax,
  });
  for (const contradiction of contradictions) findings.add("contradicted", contradiction);
  for (const { attempts } of load.records)
    for (const { answer } of attempts) {
      if (answer.kind === "fault") findings.add("faults", answer.text);
      if (answer.kind === "turned-away" && !answer.saysWhen)
        findings.add("faults", "Turned away without a word of when to come again");
    }
  for (const { process } of world.stations)
    for (const crash of process.crashes.splice(0)) findings.add("crashes", crash);
  const { prefix } = load.assortment;
  const ledger = await readLedger(world, prefix);
  compareAnswers(load.records, ledger, findings);
  if (areLevelsAudited) await auditLevels(world, prefix, findings);
  for (const history of historiesOf(load.records, ledger)) {
    const contradiction = findContradiction(history);
    if (contradiction !== null) findings.add("notLinearizable", `${history.productId}: ${contradiction}`);
  }
}

/** The longest time between two answers that settled something, in whole milliseconds. */
function longestGapOf({ records }: Load): number {
  const settledAt = records
    .flatMap(({ attempts }) => attempts)
    .filter(({ answer }) => answer.kind === "settled")
    .map(({ endedAt }) => endedAt)
    .toSorted((one, other) => one - other);
  return Math.round(Math.max(0, ...settledAt.slice(1).map((time, index) => time - (settledAt[index] ?? time))));
}
