import { pause } from "../src/pause.ts";
import type { BenchDatabase, BenchDatabases } from "./databases.ts";
import type { ServerFigure } from "./figures.ts";
import type { Stretch } from "./load.ts";
import { toMemoryUse } from "./memory-use.ts";
import { toMeasurement, warmUpSeconds } from "./measurement.ts";
import type { Measurement, MeasurementOptions } from "./measurement.ts";
import { installMoveStock } from "./move-stock.ts";
import { ServerProcess } from "./server-process.ts";
import { Watchers } from "./watchers.ts";

const memoryIntervalMs = 1_000;

/** Has connections send requests to a server of its own, and holds the ledger to their answers. */
export async function measureServer(
  figure: ServerFigure,
  databases: BenchDatabases,
  options: MeasurementOptions,
): Promise<Measurement> {
  const { variant, workload, connections, workers = 1, timesStatements = false, ledger } = figure;
  const database = await databases.create(ledger);
  try {
    if (timesStatements) await database.timeStatements();
    if (variant === "postgraphile") await installMoveStock(database.url);
    const server = await ServerProcess.start({ variant, databaseUrl: database.url, workers, ...options });
    const { measurement, answers } = await driveAndStop(figure, server, database, options);
    const linesWritten = variant === "constant" ? 0 : (workload.linesPerRequest ?? 0);
    // The warm-up leaves requests in flight too.
    await database.ledger.verify(answers * linesWritten, 2 * connections * linesWritten);
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
  figure: ServerFigure,
  server: ServerProcess,
  database: BenchDatabase,
  options: MeasurementOptions,
): Promise<Driven> {
  try {
    return await drive(figure, server, database, options);
  } finally {
    await server.stop();
  }
}

async function drive(
  figure: ServerFigure,
  server: ServerProcess,
  database: BenchDatabase,
  { load, seconds }: MeasurementOptions,
): Promise<Driven> {
  const { name, connections, workload, timesStatements = false } = figure;
  const { ledger } = database;
  const watchers =
    figure.watchers === undefined ? null : await Watchers.open(server.url, server.token, figure.watchers);
  const loadOptions = { url: server.url, token: server.token, connections, workload };
  const warmUp = await load.run({ ...loadOptions, seconds: warmUpSeconds });
  const positionBefore = await ledger.readPosition();
  await database.restartTimes();
  const before = await server.readUsage();
  watchers?.restart();
  const { stretch, rssBytes } = await watchMemory(server, load.run({ ...loadOptions, seconds }));
  const feed = watchers?.read() ?? null;
  const cpuMicros = (await server.readUsage()).cpuMicros - before.cpuMicros;
  const positionAfter = await ledger.readPosition();
  await watchers?.close();
  const measurement = toMeasurement(name, stretch, workload.linesPerRequest, {
    serverCpuMicros: cpuMicros / stretch.answers,
    groupSize: await ledger.groupSize(positionBefore, positionAfter),
    databaseMicros: timesStatements ? (await database.readStatementMicros()) / stretch.answers : null,
    memory: toMemoryUse(rssBytes, stretch.answers),
    feed,
  });
  return { measurement, answers: warmUp.answers + stretch.answers };
}

/** Looks again and again how much memory the server holds, until the load has ended. */
async function watchMemory(
  server: ServerProcess,
  running: Promise<Stretch>,
): Promise<{ readonly stretch: Stretch; readonly rssBytes: readonly number[] }> {
  const ended = new AbortController();
  const rssBytes: number[] = [];
  const watch = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      rssBytes.push((await server.readUsage()).rssBytes);
      await pause(memoryIntervalMs, ended.signal);
    }
  };
  const watching = watch();
  try {
    return { stretch: await running, rssBytes };
  } finally {
    ended.abort();
    await watching;
  }
}
