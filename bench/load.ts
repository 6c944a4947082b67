import { once } from "node:events";
import { createHistogram } from "node:perf_hooks";
import autocannon from "autocannon";
import { pause } from "../src/pause.ts";
import type { Workload } from "./workload.ts";

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
  readonly workload: Workload;
}

/** What was answered in one stretch of time. */
export interface Stretch {
  readonly seconds: number;
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Connections that each send one request after another, until they are stopped. Every answer is looked at: the first one
 * that is not a success is what {@link stop} fails with.
 */
export class Load {
  readonly #cannon: autocannon.Instance;
  /** Aborted once all connections are closed. */
  readonly #closed = new AbortController();
  #answers = 0;
  #failure: Error | null = null;
  #stretch = { startedAt: performance.now(), answers: 0, micros: createHistogram() };

  constructor({ url, token, connections, workload }: LoadOptions) {
    let connection = 0;
    const setupClient = (client: autocannon.Client): void => {
      const nextRequest = workload.requestsOf(connection);
      connection += 1;
      client.setRequests([nextRequest()]);
      client.on("response", (status, _bytes, durationMs) => {
        this.#record(status, durationMs);
        // The next request is sent right after this.
        client.setRequests([nextRequest()]);
      });
    };
    const verifyBody = (body: unknown): boolean => {
      if (typeof body === "string" && workload.isSuccess(body)) return true;
      this.#fail(`An answer is not a success: ${String(body)}`);
      return false;
    };
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const options = { url, headers, connections, setupClient, verifyBody };
    // Stopped by hand, when what was to be measured has been. Looks ten times a second whether it was.
    const endless = { duration: 1_000_000, sampleInt: 100 };
    this.#cannon = autocannon({ ...options, ...endless }, () => this.#closed.abort());
    this.#cannon.on("reqError", (error: unknown) => this.#fail(`A request failed: ${String(error)}`));
  }

  /** Waits, but no longer than answers are sound: {@link stop} then says what was wrong. */
  async whileSound(milliseconds: number): Promise<void> {
    await pause(milliseconds, this.#closed.signal);
  }

  /** Begins a new stretch: what was answered so far counts no more, but for {@link stop}. */
  restart(): void {
    this.#stretch = { startedAt: performance.now(), answers: 0, micros: createHistogram() };
  }

  /** The stretch so far. */
  read(): Stretch {
    const { startedAt, answers, micros } = this.#stretch;
    return {
      seconds: (performance.now() - startedAt) / 1_000,
      answers,
      p50Ms: micros.percentile(50) / 1_000,
      p99Ms: micros.percentile(99) / 1_000,
    };
  }

  /**
   * Closes all connections; requests in flight may still be carried out.
   * @returns how many requests were answered in all
   * @throws Error when one of the answers was no success
   */
  async stop(): Promise<number> {
    this.#cannon.stop();
    if (!this.#closed.signal.aborted) await once(this.#closed.signal, "abort");
    if (this.#failure !== null) throw this.#failure;
    return this.#answers;
  }

  #record(status: number, durationMs: number): void {
    if (status !== 200) this.#fail(`A request was answered with status ${status}`);
    this.#answers += 1;
    this.#stretch.answers += 1;
    this.#stretch.micros.record(Math.max(1, Math.round(durationMs * 1_000)));
  }

  #fail(message: string): void {
    if (this.#failure !== null) return;
    this.#failure = new Error(message);
    // The load is of no use any more, and nobody need wait for its end.
    this.#cannon.stop();
  }
}
