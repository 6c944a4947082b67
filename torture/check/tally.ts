/** What must never happen, by its name in the report. All of them are counted, and all of them have to be 0. */
export const violationNames = [
  /** Answered as done, and not in the ledger. */
  "lost",
  /** More than once in the ledger. */
  "doubled",
  /** Answered as refused, or as not applied, and in the ledger. */
  "refusedButApplied",
  /** Two answers to the same request that tell different things, or an answer that differs from the ledger. */
  "contradicted",
  /** In the ledger, and asked for by nobody. */
  "unexplained",
  /** Levels that are not the sum of the ledger's effects. */
  "drift",
  /** Versions left out or given twice. */
  "versionGaps",
  /** Levels below zero. */
  "negativeLevels",
  /** Products whose history no order of its operations explains. */
  "notLinearizable",
  /** Answers that nobody should get: 500s, and what can't be read. */
  "faults",
  /** Gateways that ended by themselves. */
  "crashes",
  /** Times that not everything worked again ten seconds after the fault. */
  "notRecovered",
  /** Bounds of the fault's own that did not hold. */
  "outOfBounds",
] as const;

export type ViolationName = (typeof violationNames)[number];

/** What was counted in one round, or in several. */
export interface Tally extends Record<ViolationName, number> {
  rounds: number;
  /** How often the fault really happened to somebody: connections cut, processes killed, deadlocks. What counts is each fault's own. */
  struck: number;
  /** HTTP requests sent, repetitions among them. */
  requests: number;
  /** Stock transactions that were answered as done. */
  acknowledged: number;
  /** Stock transactions that were answered as refused. */
  refused: number;
  /** Requests turned away with 503 or 429. */
  turnedAway: number;
  /** Stock transactions of which nobody was told when the clients stopped; what their keys then said is the next four. */
  unknown: number;
  unknownApplied: number;
  unknownRefused: number;
  unknownNever: number;
  /** They had no key: the ledger alone could tell. */
  unknownWithoutKey: number;
  /** The longest that it took until everything worked again after a fault, in milliseconds. */
  recoveryMsMax: number;
  /** The longest that no stock transaction at all was answered as done or refused, in milliseconds. */
  unservedMsMax: number;
}

const maxima: readonly (keyof Tally)[] = ["recoveryMsMax", "unservedMsMax"];

export function createTally(): Tally {
  return {
    ...zeros(),
    rounds: 0,
    struck: 0,
    requests: 0,
    acknowledged: 0,
    refused: 0,
    turnedAway: 0,
    unknown: 0,
    unknownApplied: 0,
    unknownRefused: 0,
    unknownNever: 0,
    unknownWithoutKey: 0,
    recoveryMsMax: 0,
    unservedMsMax: 0,
  };
}

function zeros(): Record<ViolationName, number> {
  return {
    lost: 0,
    doubled: 0,
    refusedButApplied: 0,
    contradicted: 0,
    unexplained: 0,
    drift: 0,
    versionGaps: 0,
    negativeLevels: 0,
    notLinearizable: 0,
    faults: 0,
    crashes: 0,
    notRecovered: 0,
    outOfBounds: 0,
  };
}

/** Adds a round's counts to those of all rounds. */
export function addTally(sum: Tally, more: Tally): void {
  for (const name of Object.keys(more) as (keyof Tally)[])
    sum[name] = maxima.includes(name) ? Math.max(sum[name], more[name]) : sum[name] + more[name];
}

/** Whether nothing happened that must not. */
export function isSound(tally: Tally): boolean {
  return violationNames.every((name) => tally[name] === 0);
}

/** A tally, and a sentence for each violation that was counted. */
export class Findings {
  readonly tally = createTally();
  readonly details: string[] = [];
  /** A sentence for what a fault measured besides. */
  readonly figures: string[] = [];

  /** Says that the fault has really happened, so many times. */
  strike(times = 1): void {
    this.tally.struck += times;
  }

  add(violation: ViolationName, detail: string): void {
    this.tally[violation] += 1;
    // So many tell enough; the rest is counted.
    if (this.details.length < 50) this.details.push(`${violation}: ${detail}`);
  }
}
