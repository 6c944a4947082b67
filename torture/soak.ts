import { setTimeout as wait } from "node:timers/promises";
import { auditLevels } from "./check/ledger.ts";
import { awaitRecovery } from "./check/recovery.ts";
import { addTally, Findings } from "./check/tally.ts";
import { Load } from "./load/load.ts";
import { createAssortment } from "./load/workload.ts";
import { Random } from "./random.ts";
import { reckon } from "./round.ts";
import { embedded } from "./world/embedded-database.ts";
import { World } from "./world/world.ts";

export interface SoakOptions {
  /** Of the run: see openRunFolder. */
  readonly runFolder: string;
  readonly minutes: number;
  readonly seed: string;
  readonly clients: number;
  readonly onFullLoad: (requestsPerSecond: number) => void;
  readonly onMinute: (sample: SoakSample) => void;
}

/** One minute at half load. */
export interface SoakSample {
  readonly minute: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of each gateway, at the end of the minute. */
  readonly residentMegabytes: readonly number[];
}

export interface SoakReport {
  /** What the gateways could take before the first minute. */
  readonly fullRequestsPerSecond: number;
  readonly samples: readonly SoakSample[];
  readonly findings: Findings;
}

/** How long the full load is measured, of which half is then asked for, after as long to warm up. */
const measureMs = 10_000;
const minuteMs = 60_000;
/** So many minutes are not compared: code is compiled and caches fill. */
const warmUpMinutes = 3;
/** The last third may have so much more than the first one after the warm-up: a leak grows on. */
const growthMax = { memory: 1.25, latency: 1.6 } as const;

/**
 * Half of the load that the gateways can take, minute after minute, each on products of its own and held against the
 * database when it is over; memory and latency have to stay where they were.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { runFolder, minutes, seed, clients, onFullLoad, onMinute } = options;
  const random = new Random(seed);
  const findings = new Findings();
  const samples: SoakSample[] = [];
  let fullRequestsPerSecond = 0;
  const world = await World.open(embedded, { runFolder });
  try {
    const full = await measureFullLoad(world, random, clients);
    fullRequestsPerSecond = full.requestsPerSecond;
    onFullLoad(fullRequestsPerSecond);
    const periodMs = (2 * clients * 1_000) / full.operationsPerSecond;
    for (let minute = 1; minute <= minutes; minute += 1) {
      const sample = await runMinute(world, { minute, random, clients, periodMs, findings });
      samples.push(sample);
      onMinute(sample);
    }
    await auditLevels(world, "", findings);
  } finally {
    await world.close();
  }
  judge(samples, findings);
  return { fullRequestsPerSecond, samples, findings };
}

/** What clients get done that send one operation after another. An operation may take several requests. */
async function measureFullLoad(
  world: World,
  random: Random,
  clients: number,
): Promise<{ requestsPerSecond: number; operationsPerSecond: number }> {
  const load = await openLoad(world, "0-", { random, clients });
  load.start();
  await wait(measureMs);
  const [requests, operations] = [load.acknowledged, load.records.length];
  await wait(measureMs);
  const perSecond = (count: number): number => (count * 1_000) / measureMs;
  const full = {
    requestsPerSecond: Math.round(perSecond(load.acknowledged - requests)),
    operationsPerSecond: perSecond(load.records.length - operations),
  };
  await load.stop();
  return full;
}

async function openLoad(
  world: World,
  prefix: string,
  options: { random: Random; clients: number; periodMs?: number },
): Promise<Load> {
  const urls = world.stations.map(({ url }) => url);
  const random = options.random.fork(prefix);
  return new Load({
    ...options,
    urls,
    random,
    token: await world.requestToken(),
    assortment: createAssortment(prefix),
  });
}

interface MinuteOptions {
  readonly minute: number;
  readonly random: Random;
  readonly clients: number;
  readonly periodMs: number;
  readonly findings: Findings;
}

async function runMinute(world: World, { minute, findings, ...options }: MinuteOptions): Promise<SoakSample> {
  const load = await openLoad(world, `${minute}-`, options);
  load.start();
  await wait(minuteMs);
  const requestsPerSecond = Math.round((load.acknowledged * 1_000) / minuteMs);
  const own = new Findings();
  await awaitRecovery(world, load, own);
  await load.stop();
  const sample = {
    minute,
    requestsPerSecond,
    p50Ms: load.latency.percentile(50) / 1_000,
    p99Ms: load.latency.percentile(99) / 1_000,
    residentMegabytes: world.stations.map(({ process }) => Math.round(process.residentKilobytes() / 1_024)),
  };
  await reckon(world, load, own, false);
  addTally(findings.tally, own.tally);
  findings.details.push(...own.details);
  return sample;
}

function judge(samples: readonly SoakSample[], findings: Findings): void {
  const compared = samples.slice(warmUpMinutes);
  const third = Math.floor(compared.length / 3);
  if (third === 0) return;
  const [first, last] = [compared.slice(0, third), compared.slice(-third)];
  const compare = (what: string, valueOf: (sample: SoakSample) => number, factorMax: number): void => {
    const [before = 0, after = 0] = [first, last].map((part) => medianOf(part.map(valueOf)));
    if (after > before * factorMax) findings.add("outOfBounds", `${what} went from ${before} to ${after}`);
  };
  compare("memory (MB)", ({ residentMegabytes }) => Math.max(...residentMegabytes), growthMax.memory);
  compare("median latency (ms)", ({ p50Ms }) => p50Ms, growthMax.latency);
  compare("99th percentile of latency (ms)", ({ p99Ms }) => p99Ms, growthMax.latency);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
}
