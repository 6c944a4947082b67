import type { Load, Stretch } from "./load.ts";
import type { MemoryUse } from "./memory-use.ts";
import type { FeedStretch } from "./watchers.ts";

/** What one figure came to. */
export interface Measurement {
  readonly name: string;
  readonly requestsPerSecond: number;
  /** Stock transactions asked for per second; null where nothing is written. */
  readonly linesPerSecond: number | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server's processes per request, user and system, in microseconds; null where there is none. PostgreSQL's is not in it. */
  readonly serverCpuMicros: number | null;
  /** How many stock transactions shared a database transaction, on average; null where they don't. */
  readonly groupSize: number | null;
  /** How long PostgreSQL planned and executed statements per request, in microseconds; null where it was not asked to say. */
  readonly databaseMicros: number | null;
  /** Of the server; null where there is none. */
  readonly memory: MemoryUse | null;
  /** What the watchers of the feed were told; null where nobody watches. */
  readonly feed: FeedStretch | null;
}

export interface MeasurementOptions {
  readonly load: Load;
  /** Whole ones. */
  readonly seconds: number;
  /** Where the server writes a CPU profile; null for none. */
  readonly profileDir: string | null;
  /** Where PostGraphile is installed; null where it is not. */
  readonly postgraphileDir: string | null;
}

/** Until code is compiled, connections are open and statements are prepared. */
export const warmUpSeconds = 3;

/** What only some figures have. */
type Details = Pick<Measurement, "serverCpuMicros" | "groupSize" | "databaseMicros" | "memory" | "feed">;

const noDetails: Details = { serverCpuMicros: null, groupSize: null, databaseMicros: null, memory: null, feed: null };

/** @param linesPerRequest how many stock transactions each request asked for; null where it read */
export function toMeasurement(
  name: string,
  { answers, seconds, p50Ms, p99Ms }: Stretch,
  linesPerRequest: number | null,
  details: Partial<Details>,
): Measurement {
  const requestsPerSecond = answers / seconds;
  const linesPerSecond = linesPerRequest === null ? null : requestsPerSecond * linesPerRequest;
  return { name, requestsPerSecond, linesPerSecond, p50Ms, p99Ms, ...noDetails, ...details };
}
