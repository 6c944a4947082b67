import { createHistogram } from "node:perf_hooks";
import type { Histogram } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Findings } from "../check/tally.ts";
import type { Line, Operation } from "../load/operation.ts";
import { send } from "../load/shop-client.ts";
import { embedded } from "../world/embedded-database.ts";
import type { World } from "../world/world.ts";
import type { Fault } from "./fault.ts";

/** Together more stock transactions than all gateways let wait, many times what they can do in a second. */
const floodClients = 120;
const linesPerBatch = 300;
/** Of those, so many change something; the others are refused, which costs the gateway as much and the disk nothing. */
const changingLines = 15;

/** An accepted request is settled or answered with 503 within ten seconds; this machine's own queue is the rest. */
const answerMsMax = 14_000;
/** What is turned away is told so at once: so soon at least for half of it, on a machine that has no processor to spare. */
const turnAwayMsMedianMax = 1_000;
/** By how much a gateway's memory may grow while it is flooded, from the first half of the time to the second. */
const growthKilobytesMax = 150_000;
const sampleMs = 250;

/** Ten times what the gateways can do, and more: what they can't do they have to say at once, and hold out. */
export const overload: Fault = {
  name: "overload",
  description: "many times as many stock transactions as the gateways can settle",
  needs: embedded,
  holdMs: { short: 3_000, long: 60_000 },
  begin: async ({ world, findings }) => {
    const flood = new Flood(world, await world.requestToken());
    const memory = new MemorySamples(world);
    const running = flood.run();
    return async () => {
      memory.stop();
      await flood.stop();
      await running;
      flood.judge(findings);
      memory.judge(findings);
    };
  },
};

/** Clients that send as much as they can, and wait for nothing but the answer. */
class Flood {
  readonly #urls: readonly string[];
  readonly #token: string;
  readonly #accepted = createHistogram();
  readonly #turnedAway = createHistogram();
  readonly #unanswered: string[] = [];
  #isStopping = false;
  #batches = 0;

  constructor(world: World, token: string) {
    this.#urls = world.stations.map(({ url }) => url);
    this.#token = token;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: floodClients }, (_, index) => this.#flood(index)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
  }

  judge(findings: Findings): void {
    findings.strike(this.#turnedAway.count);
    findings.figures.push(`accepted ${figuresOf(this.#accepted)}; turned away ${figuresOf(this.#turnedAway)}`);
    for (const reason of this.#unanswered) findings.add("outOfBounds", `Under overload there was no answer: ${reason}`);
    const slowestMs = this.#accepted.count === 0 ? 0 : this.#accepted.max;
    if (slowestMs > answerMsMax) findings.add("outOfBounds", `Under overload an answer took ${slowestMs} ms`);
    if (this.#turnedAway.count === 0) findings.add("outOfBounds", "Under overload nothing was turned away");
    else if (this.#turnedAway.percentile(50) > turnAwayMsMedianMax)
      findings.add(
        "outOfBounds",
        `Half of what was turned away heard of it after ${this.#turnedAway.percentile(50)} ms`,
      );
  }

  async #flood(index: number): Promise<void> {
    const url = this.#urls[index % this.#urls.length] ?? "";
    while (!this.#isStopping) {
      const sentAt = performance.now();
      const answer = await send(url, this.#token, this.#nextBatch(index));
      const tookMs = Math.max(1, Math.round(performance.now() - sentAt));
      if (answer.kind === "settled") this.#accepted.record(tookMs);
      else if (answer.kind === "turned-away") this.#turnedAway.record(tookMs);
      else this.#unanswered.push(answer.kind === "none" ? answer.reason : answer.kind);
      // Whoever is told to come again later does, though far too soon.
      if (answer.kind === "turned-away") await wait(100);
    }
  }

  #nextBatch(index: number): Operation {
    this.#batches += 1;
    const lines = Array.from({ length: linesPerBatch }, (_, place): Line => {
      const isChanging = place < changingLines;
      return {
        reference: `flood-${this.#batches}`,
        productId: isChanging ? `flood-${(index + place) % 50}` : `nothing-${place}`,
        action: isChanging ? "INCREMENT" : "DECREMENT",
        quantity: 1,
        idempotencyKey: null,
        expectedVersion: null,
      };
    });
    return { kind: "batch", policy: "EACH", lines };
  }
}

/** What the gateways hold in memory, from time to time. */
class MemorySamples {
  readonly #samples: (readonly number[])[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(world: World) {
    this.#timer = setInterval(() => {
      this.#samples.push(world.stations.map(({ process }) => process.residentKilobytes()));
    }, sampleMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  judge(findings: Findings): void {
    const middle = this.#samples.length >> 1;
    for (const [index] of (this.#samples[0] ?? []).entries()) {
      const [before, after] = [this.#samples.slice(0, middle), this.#samples.slice(middle)].map((half) =>
        Math.max(0, ...half.map((sample) => sample[index] ?? 0)),
      );
      const growth = (after ?? 0) - (before ?? 0);
      findings.figures.push(`gateway ${index + 1}: at most ${before} kB in the first half, ${after} kB in the second`);
      if (growth > growthKilobytesMax)
        findings.add("outOfBounds", `Under overload a gateway's memory went on growing, by ${growth} kB`);
    }
  }
}

function figuresOf(times: Histogram): string {
  if (times.count === 0) return "none";
  const [median, nearlyAll] = [50, 99].map((percent) => times.percentile(percent));
  return `${times.count}, p50 ${median} ms, p99 ${nearlyAll} ms, at most ${times.max} ms`;
}
