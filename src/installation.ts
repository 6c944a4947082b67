import { ApiClients } from "./access/api-clients.ts";
import { SigningKeys } from "./access/signing-keys.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import { PrismaApiClientStorage } from "./database/api-clients.ts";
import { DatabaseClock } from "./database/clock.ts";
import { checkDatabase } from "./database/durability.ts";
import type { DatabasePlace } from "./database/durability.ts";
import { hasCluster } from "./database/embedded-cluster.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import type { ServerEvent } from "./database/embedded-postgres.ts";
import { PrismaInventoryQueries } from "./database/inventory-queries.ts";
import { PrismaInventoryStorage } from "./database/inventory-storage.ts";
import { migrate } from "./database/migrate.ts";
import { createPrisma } from "./database/prisma.ts";
import { PrismaSigningKeyStorage } from "./database/signing-keys.ts";
import { messageOf } from "./error-message.ts";
import { GroupCommit } from "./inventory/group-commit.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { InventoryQueries } from "./inventory/queries.ts";
import type { InventoryStorage } from "./inventory/storage.ts";

/** A database that is there, and how to let go of it. */
export interface OpenDatabase extends DatabasePlace {
  close(): Promise<void>;
}

/** Who may ask for tokens and what signs them, as the database keeps it. */
export interface StoredAccess {
  readonly clients: ApiClients;
  readonly keys: SigningKeys;
}

/** What commands besides serving work with. */
export interface InventoryParts {
  /** Settles by itself, on the database, as every gateway does. */
  readonly inventory: Inventory;
  readonly storage: InventoryStorage;
  readonly queries: InventoryQueries;
  readonly clients: ApiClients;
}

/** Lends the inventory of a migrated database. */
export async function withInventory<T>(databaseUrl: string, use: (parts: InventoryParts) => Promise<T>): Promise<T> {
  const name = "inventory-gateway command";
  const writing = createPrisma(databaseUrl, { name, poolSize: 2, preparesStatements: true });
  const reading = createPrisma(databaseUrl, { name, poolSize: 1, preparesStatements: false, statementMs: 600_000 });
  const storage = new PrismaInventoryStorage(writing);
  const groupCommit = new GroupCommit(storage);
  try {
    return await use({
      inventory: new Inventory(groupCommit),
      storage,
      queries: new PrismaInventoryQueries(reading),
      clients: new ApiClients(new PrismaApiClientStorage(reading)),
    });
  } finally {
    await groupCommit.close();
    await Promise.all([writing.$disconnect(), reading.$disconnect()]);
  }
}

/** Applies the migrations and nothing else, to a new embedded database too. @returns the names of those applied now */
export async function migrateDatabase(config: Config): Promise<readonly string[]> {
  return withServer(config, migrateTables);
}

/**
 * Lends a command the installation's database, its tables up to date: beside a gateway or alone. None is made: without a
 * gateway's DATABASE_URL, in a shell for instance, a new one would have no faults, no stolen keys and no clients.
 * @throws ConfigError, and what `use` throws
 */
export async function withDatabase<T>(config: Config, use: (databaseUrl: string) => Promise<T>): Promise<T> {
  if (config.databaseUrl === null && !(await hasCluster(config.dataDir)))
    throw new ConfigError(
      `DATABASE_URL is not set, and there is no database in DATA_DIR (${config.dataDir}): ` +
        "set DATABASE_URL or DATABASE_URL_FILE as it is for the gateway, or make a database by start or migrate",
    );
  return withServer(config, async (database) => {
    await migrateTables(database);
    return use(database.url);
  });
}

/** Runs a command on the clients and keys of the installation, beside a gateway or alone. */
export async function manageAccess<T>(config: Config, use: (access: StoredAccess) => Promise<T>): Promise<T> {
  return withDatabase(config, (url) => withAccess(url, use));
}

/** @throws ConfigError that names the setting at fault */
export async function migrateTables({ url, setting }: DatabasePlace): Promise<readonly string[]> {
  try {
    return await migrate(url);
  } catch (error) {
    // Prisma's engine adds where in its own code it was.
    const [reason] = messageOf(error).split("\n");
    throw new ConfigError(`${setting}: ${reason}`, { cause: error });
  }
}

/** Lends who may ask for tokens, and what signs them, of a migrated database. */
export async function withAccess<T>(databaseUrl: string, use: (access: StoredAccess) => Promise<T>): Promise<T> {
  const prisma = createPrisma(databaseUrl, {
    name: "inventory-gateway access",
    poolSize: 1,
    preparesStatements: false,
  });
  try {
    const clock = new DatabaseClock(prisma);
    await clock.look();
    return await use({
      clients: new ApiClients(new PrismaApiClientStorage(prisma), clock.now),
      keys: new SigningKeys(new PrismaSigningKeyStorage(prisma), clock.now),
    });
  } finally {
    await prisma.$disconnect();
  }
}

/** A server that runs already is used as it is; an embedded one that doesn't is started for the time of the work. */
async function withServer<T>(config: Config, use: (database: DatabasePlace) => Promise<T>): Promise<T> {
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

/**
 * The database that the settings name, or the embedded one, which is started, and started again whenever it ends by itself.
 * @param onServerEvent told what becomes of the embedded server
 * @throws ConfigError
 */
export async function openDatabase(
  { databaseUrl, dataDir }: Config,
  onServerEvent?: (event: ServerEvent) => void,
): Promise<OpenDatabase> {
  if (databaseUrl !== null) return { url: databaseUrl, setting: "DATABASE_URL", close: async () => undefined };
  const server = await startEmbeddedPostgres(dataDir, {}, onServerEvent);
  return { url: server.url, setting: "DATA_DIR", close: () => server.stop() };
}
