import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import type { ServerEvent } from "./database/embedded-postgres.ts";
import { checkDatabase, checkGuards } from "./database/durability.ts";
import { ensureFirstClient } from "./first-client.ts";
import type { FirstClient } from "./first-client.ts";
import { startGateway } from "./gateway.ts";
import { migrateTables, openDatabase, withAccess } from "./installation.ts";

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

/**
 * Starts everything that serving needs, in order: the database, its tables, a first client, the HTTP server. What was
 * started is stopped again if a later step fails.
 * @throws ConfigError that names the setting at fault
 */
export async function start(config: Config, logger: Logger): Promise<StartedGateway> {
  await checkAddress(config.host, config.port);
  const database = await openDatabase(config, (event) => logServerEvent(event, logger));
  try {
    await checkDatabase(database, config.allowsUnsafeDatabase);
    await migrateTables(database);
    if (!config.allowsUnsafeDatabase) await checkGuards(database);
    const firstClient = await withAccess(database.url, ({ clients }) => ensureFirstClient(clients, config));
    const gateway = await startGateway({ ...config, databaseUrl: database.url, logger }).catch((error: unknown) => {
      throw addressError(error, config.host, config.port) ?? error;
    });
    return {
      url: gateway.url,
      firstClient,
      stop: async () => {
        try {
          return await isDoneWithin(gateway.close(), config.drainTimeoutMs);
        } finally {
          await database.close();
        }
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** @throws what the work throws in that time */
async function isDoneWithin(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  try {
    return await Promise.race([work.then(() => true), wait(timeoutMs, false, { signal: late.signal })]);
  } finally {
    late.abort();
  }
}

/** Finds out before anything is started whether the address can be had. */
function checkAddress(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => reject(addressError(error, host, port) ?? error));
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

/** @returns null for an error that is not about the address */
function addressError(error: unknown, host: string, port: number): ConfigError | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  switch (code) {
    case "EADDRINUSE":
      return new ConfigError(`PORT: ${port} is taken on ${host} by another program`, { cause: error });
    case "EACCES":
      return new ConfigError(`PORT: this user may not listen on ${port}`, { cause: error });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigError(`HOST: ${host} is no address of this machine`, { cause: error });
    default:
      return null;
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
