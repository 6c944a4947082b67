import type { BenchDatabase, BenchDatabases } from "./databases.ts";
import type { Figure } from "./figures.ts";
import { Load } from "./load.ts";
import { ServerProcess } from "./server-process.ts";
import { Watchers } from "./watchers.ts";
import type { FeedStretch } from "./watchers.ts";

/** What one figure came to. */
export interface Measurement {
  readonly name: string;
  readonly requestsPerSecond: number;
  /** Stock transactions asked for per second; null where nothing is written. */
  readonly linesPerSecond: number | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server process per request, user and system, in microseconds. PostgreSQL's is not in it. */
  readonly serverCpuMicros: number | null;
  /** How many stock transactions shared a database transaction, on average; null where they don't. */
  readonly groupSize: number | null;
  /** What the watchers of the feed were told; null where nobody watches. */
  readonly feed: FeedStretch | null;
}

export interface MeasurementOptions {
  readonly seconds: number;
  readonly profileDir: string | null;
}

/** Until code is compiled, connections are open and statements are prepared. */
const warmUpSeconds = 3;

/**
 * Measures one figure on a database and a server of its own.
 * @throws Error when an answer was no success, or the ledger says something else than the answers
 */
export async function measure(
  figure: Figure,
  databases: BenchDatabases,
  options: MeasurementOptions,
): Promise<Measurement> {
  const database = await databases.create();
  try {
    const { variant, workload } = figure;
    const server = await ServerProcess.start({ variant, databaseUrl: database.url, profileDir: options.profileDir });
    const { measurement, answers } = await driveAndStop(figure, server, database, options.seconds);
    const linesWritten = variant === "constant" ? 0 : (workload.linesPerRequest ?? 0);
    await database.ledger.verify(answers * linesWritten, figure.connections * linesWritten);
    return measurement;
  } finally {
    await database.drop();
  }
}

/** A measurement, and how many requests were answered from the first to the last one, warm-up included. */
interface Driven {
  readonly measurement: Measurement;
  readonly answers: number;
}

/** What was in flight when the load ended has been written, or will never be, once the server has stopped. */
async function driveAndStop(
  figure: Figure,
  server: ServerProcess,
  database: BenchDatabase,
  seconds: number,
): Promise<Driven> {
  try {
    return await drive(figure, server, database, seconds);
  } finally {
    await server.stop();
  }
}

async function drive(
  figure: Figure,
  server: ServerProcess,
  { ledger }: BenchDatabase,
  seconds: number,
): Promise<Driven> {
  const { name, connections, workload } = figure;
  const watchers =
    figure.watchers === undefined ? null : await Watchers.open(server.url, server.token, figure.watchers);
  const load = new Load({ url: server.url, token: server.token, connections, workload });
  await load.whileSound(warmUpSeconds * 1_000);
  const positionBefore = await ledger.readPosition();
  const before = await server.readUsage();
  load.restart();
  watchers?.restart();
  await load.whileSound(seconds * 1_000);
  const stretch = load.read();
  const feed = watchers?.read() ?? null;
  const cpuMicros = (await server.readUsage()).cpuMicros - before.cpuMicros;
  const positionAfter = await ledger.readPosition();
  const answers = await load.stop();
  await watchers?.close();
  const requestsPerSecond = stretch.answers / stretch.seconds;
  const { linesPerRequest } = workload;
  const measurement = {
    name,
    requestsPerSecond,
    linesPerSecond: linesPerRequest === null ? null : requestsPerSecond * linesPerRequest,
    p50Ms: stretch.p50Ms,
    p99Ms: stretch.p99Ms,
    serverCpuMicros: cpuMicros / stretch.answers,
    groupSize: await ledger.groupSize(positionBefore, positionAfter),
    feed,
  };
  return { measurement, answers };
}
