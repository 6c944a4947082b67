import type { Logger } from "pino";
import { addressError, checkAddress } from "./address.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import type { ServerEvent } from "./database/embedded-postgres.ts";
import { EndedBySignalError } from "./database/embedded-process.ts";
import { checkDatabase, checkGuards, readConnectionsMax } from "./database/durability.ts";
import type { DatabasePlace } from "./database/durability.ts";
import { KeyRetention } from "./database/key-retention.ts";
import { checkReplica } from "./database/replica.ts";
import { ensureFirstClient } from "./first-client.ts";
import type { FirstClient } from "./first-client.ts";
import { isDoneWithin } from "./drain.ts";
import { startGateway } from "./gateway.ts";
import { migrateTables, openDatabase, withAccess } from "./installation.ts";
import type { MetricSource } from "./metrics/metric-source.ts";
import { openMetrics, openTracing } from "./observers.ts";
import { planWorkers } from "./worker-plan.ts";
import type { WorkerOrders } from "./worker-messages.ts";
import { Workers } from "./workers.ts";

/** A gateway that serves. */
export interface StartedGateway {
  readonly url: string;
  readonly firstClient: FirstClient;
  /**
   * Answers what was accepted, then stops everything that the start has started.
   * @returns false where the drain took longer than it may: then some were not answered
   */
  stop(): Promise<boolean>;
}

/** What serves, in this process or in several. */
interface Serving {
  readonly url: string;
  drain(): Promise<boolean>;
}

export interface StartOptions {
  readonly logger: Logger;
  /** Told when nobody serves any more, because workers died again and again. */
  readonly onGivenUp: () => void;
  /** Aborted by whoever doesn't want it any more: the start then ends at its next step. */
  readonly stopping: AbortSignal;
}

/**
 * Starts everything that serving needs, in order: the database, its tables, a first client, the HTTP server or several of
 * them. What was started is stopped again if a later step fails.
 * @throws ConfigError that names the setting at fault
 * @throws the reason of `stopping` where that was aborted and nothing else failed before
 */
export async function start(config: Config, options: StartOptions): Promise<StartedGateway> {
  const { stopping } = options;
  const port = await checkAddress(config.host, config.port);
  const database = await openDatabase(config, (event) => logServerEvent(event, options.logger)).catch(
    (error: unknown) => {
      // Ctrl-C reaches every process that has not left the gateway's group yet.
      const isOfStop = error instanceof ConfigError && error.cause instanceof EndedBySignalError;
      throw isOfStop && stopping.aborted ? stopping.reason : error;
    },
  );
  try {
    stopping.throwIfAborted();
    await checkDatabase(database, config.allowsUnsafeDatabase);
    await migrateTables(database);
    stopping.throwIfAborted();
    if (!config.allowsUnsafeDatabase) await checkGuards(database);
    if (config.databaseReplicaUrl !== null) await lookAtReplica(config.databaseReplicaUrl, database, options.logger);
    const firstClient = await withAccess(database.url, ({ clients }) => ensureFirstClient(clients, config));
    const plan = planWorkers(config, await readConnectionsMax(database));
    stopping.throwIfAborted();
    const serving =
      plan.count === 1
        ? await serveAlone(config, database.url, options.logger)
        : await serveTogether(
            config,
            {
              count: plan.count,
              orders: {
                databaseUrl: database.url,
                databaseReplicaUrl: config.databaseReplicaUrl,
                port,
                databasePoolSize: plan.databasePoolSize,
                traceHeaders: config.traces?.headers ?? {},
              },
            },
            options,
          );
    const keyRetention = KeyRetention.start(database.url, config.keyRetentionHours, options.logger);
    return {
      url: serving.url,
      firstClient,
      stop: async () => {
        try {
          return await serving.drain();
        } finally {
          await keyRetention.stop();
          await database.close();
        }
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** One that is away keeps nobody from serving: until it is back the primary answers. */
async function lookAtReplica(url: string, primary: DatabasePlace, logger: Logger): Promise<void> {
  const absence = await checkReplica(url, primary);
  if (absence !== null) logger.warn(`${absence}. Reads go to the primary until it is there`);
}

async function serveAlone(config: Config, databaseUrl: string, logger: Logger): Promise<Serving> {
  const metrics = await openMetrics(config);
  return withMetrics(config, metrics, logger, async () => {
    const tracing = await openTracing(config, logger);
    const gateway = await startGateway({ ...config, databaseUrl, logger, metrics, tracing }).catch((error: unknown) => {
      throw addressError(error, config.host, config.port) ?? error;
    });
    return { url: gateway.url, drain: () => isDoneWithin(gateway.close(), config.drainTimeoutMs) };
  });
}

async function serveTogether(
  config: Config,
  { count, orders }: { readonly count: number; readonly orders: WorkerOrders },
  options: StartOptions,
): Promise<Serving> {
  const { drainTimeoutMs } = config;
  const metrics =
    config.metricsAddress === null ? null : new (await import("./worker-metrics.ts")).WorkerMetrics(count);
  return withMetrics(config, metrics, options.logger, async () => {
    const { workers, url } = await Workers.start({ count, orders, drainTimeoutMs, metrics, ...options });
    return { url, drain: () => workers.stop() };
  });
}

/** Serves the metrics too, where they are asked for: until the end of the drain, which can be watched so. */
async function withMetrics(
  { metricsAddress }: Config,
  source: MetricSource | null,
  logger: Logger,
  serve: () => Promise<Serving>,
): Promise<Serving> {
  if (metricsAddress === null || source === null) return serve();
  const { host, port } = metricsAddress;
  const { MetricsServer } = await import("./metrics/metrics-server.ts");
  const server = await MetricsServer.listen(source, { host, port, logger }).catch((error: unknown) => {
    throw addressError(error, host, port, { host: "METRICS_HOST", port: "METRICS_PORT" }) ?? error;
  });
  try {
    const serving = await serve();
    return {
      url: serving.url,
      drain: async () => {
        try {
          return await serving.drain();
        } finally {
          await server.close();
        }
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function logServerEvent(event: ServerEvent, logger: Logger): void {
  switch (event.kind) {
    case "lost":
      return logger.error("The embedded PostgreSQL has ended; it is being started again");
    case "back":
      return logger.warn("The embedded PostgreSQL is back");
    case "not back":
      return logger.error(
        { err: event.error },
        "The embedded PostgreSQL could not be started again; it will be tried on",
      );
  }
}
