import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";
import { ApiClients } from "./access/api-clients.ts";
import { SigningKeys } from "./access/signing-keys.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import { PrismaApiClientStorage } from "./database/api-clients.ts";
import { checkDatabase, checkGuards } from "./database/durability.ts";
import type { DatabasePlace } from "./database/durability.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import { migrate } from "./database/migrate.ts";
import { createPrisma } from "./database/prisma.ts";
import { PrismaSigningKeyStorage } from "./database/signing-keys.ts";
import { messageOf } from "./error-message.ts";
import { ensureFirstClient } from "./first-client.ts";
import type { FirstClient } from "./first-client.ts";
import { startGateway } from "./gateway.ts";

/** A database that is there, and how to let go of it. */
interface OpenDatabase extends DatabasePlace {
  close(): Promise<void>;
}

/** Who may ask for tokens and what signs them, as the database keeps it. */
interface StoredAccess {
  readonly clients: ApiClients;
  readonly keys: SigningKeys;
}

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
  const database = await openDatabase(config);
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

/** Applies the migrations and nothing else. @returns the names of those applied now */
export async function migrateDatabase(config: Config): Promise<readonly string[]> {
  return withDatabase(config, migrateTables);
}

/** Runs a command on the clients and keys of the installation, beside a gateway or alone. */
export async function manageAccess<T>(config: Config, use: (access: StoredAccess) => Promise<T>): Promise<T> {
  return withDatabase(config, async (database) => {
    await migrateTables(database);
    return withAccess(database.url, use);
  });
}

async function migrateTables({ url, setting }: DatabasePlace): Promise<readonly string[]> {
  try {
    return await migrate(url);
  } catch (error) {
    // Prisma's engine adds where in its own code it was.
    const [reason] = messageOf(error).split("\n");
    throw new ConfigError(`${setting}: ${reason}`, { cause: error });
  }
}

async function withAccess<T>(databaseUrl: string, use: (access: StoredAccess) => Promise<T>): Promise<T> {
  const prisma = createPrisma(databaseUrl, {
    name: "inventory-gateway access",
    poolSize: 1,
    preparesStatements: false,
  });
  try {
    return await use({
      clients: new ApiClients(new PrismaApiClientStorage(prisma)),
      keys: new SigningKeys(new PrismaSigningKeyStorage(prisma)),
    });
  } finally {
    await prisma.$disconnect();
  }
}

/** A server that runs already is used as it is; an embedded one that doesn't is started for the time of the work. */
async function withDatabase<T>(config: Config, use: (database: DatabasePlace) => Promise<T>): Promise<T> {
  const embeddedUrl = config.databaseUrl === null ? await findEmbeddedPostgres(config.dataDir) : null;
  const database: OpenDatabase =
    embeddedUrl === null
      ? await openDatabase(config)
      : { url: embeddedUrl, setting: "DATA_DIR", close: async () => undefined };
  try {
    await checkDatabase(database, true);
    return await use(database);
  } finally {
    await database.close();
  }
}

async function openDatabase({ databaseUrl, dataDir }: Config): Promise<OpenDatabase> {
  if (databaseUrl !== null) return { url: databaseUrl, setting: "DATABASE_URL", close: async () => undefined };
  const server = await startEmbeddedPostgres(dataDir);
  return { url: server.url, setting: "DATA_DIR", close: () => server.stop() };
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
