import { createHistogram } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../random.ts";
import { isDefinite, isRepeatable } from "./operation.ts";
import type { Answer, Operation, OperationRecord } from "./operation.ts";
import { send } from "./shop-client.ts";
import { Workload } from "./workload.ts";
import type { Assortment } from "./workload.ts";

export interface LoadOptions {
  /** Of the gateways; each request goes to one of them. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly assortment: Assortment;
  readonly random: Random;
  /** How many clients are at work at once. */
  readonly clients: number;
  /** How often a client begins an operation at most, in milliseconds; as often as it can if nothing is said. */
  readonly periodMs?: number;
  /** So often in a hundred an operation that can be repeated is sent twice at once, through two gateways. */
  readonly twicePercent?: number;
}

const usualTwicePercent = 8;
/** So often a client that got no definite answer asks again by itself. */
const retryPercent = 60;
const retriesMax = 4;
const retryPauseMs = 60;

/** Clients that each send one operation after another, and a record of all they sent and were told. */
export class Load {
  readonly records: OperationRecord[] = [];
  readonly assortment: Assortment;
  /** How long definite answers took, in microseconds. */
  readonly latency = createHistogram();
  readonly #options: LoadOptions;
  readonly #ownWorkload: Workload;
  #running: Promise<unknown> | null = null;
  #isStopping = false;
  #acknowledged = 0;
  #lastFailureSentAt = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.assortment = options.assortment;
    this.#ownWorkload = new Workload(`${options.assortment.prefix}own`, options.assortment, options.random.fork("own"));
  }

  /** Of the gateways. */
  get urls(): readonly string[] {
    return this.#options.urls;
  }

  get token(): string {
    return this.#options.token;
  }

  /** How many requests got a definite answer so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** When the last request was sent that got no definite answer; 0 where there was none. */
  get lastFailureSentAt(): number {
    return this.#lastFailureSentAt;
  }

  start(): void {
    const { clients, assortment, random } = this.#options;
    this.#running = Promise.all(
      Array.from({ length: clients }, (_, index) => {
        const own = random.fork(`client ${index}`);
        return this.#work(new Workload(`${assortment.prefix}${index}`, assortment, own), own.fork("ways"));
      }),
    );
  }

  /** Waits until so many more requests have been answered. @throws Error where that takes too long */
  async hasAnswered(more: number, timeoutMs: number): Promise<void> {
    const goal = this.#acknowledged + more;
    const deadline = Date.now() + timeoutMs;
    while (this.#acknowledged < goal) {
      if (Date.now() > deadline) throw new Error(`Fewer than ${more} requests were answered in ${timeoutMs} ms`);
      await wait(10);
    }
  }

  /** Lets every client finish what it is at. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Receives many units of each product, through one gateway. */
  async restock(): Promise<void> {
    const record = this.#record(this.#ownWorkload.restock());
    await this.attempt(record, this.#options.random.pick(this.#options.urls));
  }

  /** Sends an operation of a record once, and adds the answer to it. */
  async attempt(record: OperationRecord, url: string): Promise<Answer> {
    const sentAt = performance.now();
    const answer = await send(url, this.#options.token, record.operation);
    const endedAt = performance.now();
    this.#note(sentAt, endedAt, answer);
    record.attempts.push({ sentAt, endedAt, answer });
    return answer;
  }

  async #work(workload: Workload, random: Random): Promise<void> {
    const { periodMs = 0 } = this.#options;
    while (!this.#isStopping) {
      const beganAt = performance.now();
      await this.#perform(workload.next(), random);
      const restMs = beganAt + periodMs - performance.now();
      if (restMs > 0) await wait(restMs);
    }
  }

  /** Whatever happens, every operation takes as many random numbers: the ones to come are the same then. */
  async #perform(operation: Operation, random: Random): Promise<void> {
    const { urls, twicePercent = usualTwicePercent } = this.#options;
    const record = this.#record(operation);
    const first = random.integer(0, urls.length - 1);
    const urlOf = (turn: number): string => urls[(first + turn) % urls.length] ?? "";
    const isTwice = random.percent(twicePercent) && isRepeatable(operation);
    const retries = random.percent(retryPercent) && isRepeatable(operation) ? retriesMax : 0;
    const [answer] = await Promise.all([
      this.attempt(record, urlOf(0)),
      isTwice ? this.attempt(record, urlOf(1)) : null,
    ]);
    let last = answer;
    for (let retry = 1; retry <= retries && !isDefinite(last); retry += 1) {
      await wait(retryPauseMs * 2 ** retry);
      last = await this.attempt(record, urlOf(retry));
    }
    // A client that fails rests a little, as a person would.
    if (!isDefinite(last)) await wait(retryPauseMs);
  }

  #record(operation: Operation): OperationRecord {
    const record = { operation, attempts: [] };
    this.records.push(record);
    return record;
  }

  #note(sentAt: number, endedAt: number, answer: Answer): void {
    if (isDefinite(answer)) {
      this.#acknowledged += 1;
      this.latency.record(Math.max(1, Math.round((endedAt - sentAt) * 1_000)));
    } else {
      this.#lastFailureSentAt = Math.max(this.#lastFailureSentAt, sentAt);
    }
  }
}
