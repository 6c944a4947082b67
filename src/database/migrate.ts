import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import type { ColumnType, SqlDriverAdapter } from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import type * as SchemaEngineModule from "@prisma/schema-engine-wasm/schema_engine_bg";
import { Client } from "pg";
import { messageOf } from "../error-message.ts";
import { executeScript } from "./migration-script.ts";
import type { Migration } from "./migration-script.ts";

/** The same from src/ and from dist/: both lie one level below the package's root. */
const prismaFolder = fileURLToPath(new URL("../../prisma/", import.meta.url));

/** Any number that nothing else in the database locks. */
const migrationLock = "7236042117310531";
/** Prisma's engine takes it for as long as its session lasts, which may be longer than the gateway's life. */
const engineLock = "72707369";
const migrationWaitMs = 60_000;
const applicationName = "inventory-gateway migrate";

/**
 * Brings the database up to date. Several gateways may do so at once: one migrates, the others wait for it. What another one
 * began and did not live to finish is begun again.
 * The engine is loaded only where something is to be done, so that a warm start needs one query.
 * @returns the names of the migrations applied now
 */
export async function migrate(databaseUrl: string): Promise<readonly string[]> {
  const migrations = await readMigrations();
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: applicationName,
  });
  // A lost connection also rejects the query that runs; without a listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    if (await isUpToDate(client, migrations)) return [];
    await takeLock(client, migrationLock);
    // The session of a gateway that was killed works on, for as long as its last statement takes.
    await takeLock(client, engineLock);
    if (await isUpToDate(client, migrations)) return [];
    await setAsideUnfinished(client);
    await client.query("SELECT pg_advisory_unlock($1)", [engineLock]);
    return await withEngine(
      databaseUrl,
      async (engine) => {
        const migrationsList = migrationsListOf(migrations);
        const result = await engine.applyMigrations({ migrationsList, filters: noFilters });
        return result.appliedMigrationNames;
      },
      { migrations },
    );
  } finally {
    await client.end();
  }
}

/**
 * Asks again and again instead of waiting in a statement: an index that is made CONCURRENTLY waits for every statement that
 * began before, and that one would wait for the lock.
 * @throws Error when another gateway keeps it for too long
 */
async function takeLock(client: Client, lock: string): Promise<void> {
  const deadline = Date.now() + migrationWaitMs;
  while (Date.now() < deadline) {
    const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [lock]);
    if (rows[0]?.taken === true) return;
    await wait(100);
  }
  throw new Error("Another gateway has been migrating for a minute");
}

/**
 * The engine refuses to go on after a migration that was begun and not finished, until that one counts as rolled back. Both
 * locks have to be held: then nobody is at it any more.
 */
async function setAsideUnfinished(client: Client): Promise<void> {
  if (!(await hasHistory(client))) return;
  await client.query(
    "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL",
  );
}

/**
 * Compares the database with prisma/schema.prisma.
 * @returns the SQL that would make the database as the schema says; null when they agree
 */
export async function findSchemaDifference(databaseUrl: string): Promise<string | null> {
  const path = join(prismaFolder, "schema.prisma");
  const files = [{ path, content: await readFile(path, "utf8") }];
  return withEngine(
    databaseUrl,
    async (engine) => {
      const { exitCode, stdout } = await engine.diff({
        from: { tag: "schemaDatasource", files, configDir: prismaFolder },
        to: { tag: "schemaDatamodel", files },
        script: true,
        exitCode: true,
        filters: noFilters,
      });
      return exitCode === 0 ? null : (stdout ?? "");
    },
    { datamodels: [[path, files[0]?.content ?? ""]] },
  );
}

const noFilters = { externalTables: [], externalEnums: [] };

async function readMigrations(): Promise<readonly Migration[]> {
  const folder = join(prismaFolder, "migrations");
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function isUpToDate(client: Client, migrations: readonly Migration[]): Promise<boolean> {
  if (!(await hasHistory(client))) return false;
  const applied = await client.query<{ name: string; checksum: string }>(
    `SELECT migration_name AS name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  const checksums = new Map(applied.rows.map(({ name, checksum }) => [name, checksum]));
  return migrations.every(({ name, checksum }) => checksums.get(name) === checksum);
}

async function hasHistory(client: Client): Promise<boolean> {
  const table = await client.query<{ found: boolean }>("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found");
  return table.rows[0]?.found === true;
}

type MigrationList = Parameters<SchemaEngine["applyMigrations"]>[0]["migrationsList"];

function migrationsListOf(migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: join(prismaFolder, "migrations"),
    lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
    shadowDbInitScript: "",
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
    })),
  };
}

/** Runs Prisma's own schema engine, in WebAssembly: its command line would download a native one. */
async function withEngine<T>(
  databaseUrl: string,
  use: (engine: SchemaEngine) => Promise<T>,
  { datamodels, migrations = [] }: { datamodels?: [string, string][]; migrations?: readonly Migration[] },
): Promise<T> {
  const engineModule = await loadEngineModule();
  const factory = new PrismaPg({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: applicationName,
    // The session that has the engine's lock is the one that migrates.
    max: 1,
  });
  const adapters: SqlDriverAdapter[] = [];
  const connect = async (): Promise<SqlDriverAdapter> => {
    const connected = await factory.connect();
    adapters.push(connected);
    connected.executeScript = (script) => executeScript(connected, script, migrations);
    return withCharColumns(connected);
  };
  const adapter = bindMigrationAwareSqlAdapterFactory({
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect,
    connectToShadowDb: () => factory.connectToShadowDb(),
  });
  const engine = await engineModule.SchemaEngine.new({ datamodels }, () => undefined, adapter);
  try {
    return await use(engine);
  } catch (error) {
    // The reason stands below a line that says nothing.
    const reason = messageOf(error).replace(/^external connector error\n/, "");
    throw new Error(`The database's schema could not be brought up to date: ${reason}`, { cause: error });
  } finally {
    engine.free();
    // The engine lets go of its adapter without closing the sessions.
    for (const connected of adapters) await connected.dispose();
  }
}

/** The "char" columns of PostgreSQL's catalogue that the engine reads to describe constraints. */
const charColumns: ReadonlySet<string> = new Set(["constraint_type", "confdeltype", "confupdtype"]);

/**
 * The adapter doesn't know the catalogue's type "char": such columns are read as text, and then called what the engine expects.
 * @see prisma/orm#27403
 */
function withCharColumns(adapter: SqlDriverAdapter): SqlDriverAdapter {
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const sql = query.sql
      .replace("constr.contype AS", "constr.contype::text AS")
      .replace(/\bcon\.(confdeltype|confupdtype),/g, "con.$1::text AS $1,");
    const result = await queryRaw({ ...query, sql });
    const typeOf = (type: ColumnType, index: number): ColumnType =>
      charColumns.has(result.columnNames[index] ?? "") ? ColumnTypeEnum.Character : type;
    return { ...result, columnTypes: result.columnTypes.map(typeOf) };
  };
  return adapter;
}

/** The engine never clears its time limit of ten seconds, which would keep a process that is done from ending. */
function withPatientTimers(imports: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(imports).filter((name) => name.startsWith("__wbg_setTimeout"));
  for (const name of names)
    imports[name] = (callback: () => void, delayMs: number) => setTimeout(callback, delayMs).unref();
  return imports;
}

/** Node has it; its types of this version do not. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: Readonly<Record<string, unknown>> } }>;
};

type EngineModule = typeof SchemaEngineModule;
let engineModulePromise: Promise<EngineModule> | undefined;

/** The package imports its .wasm like a module, which Node can't without a flag: it is put together by hand. */
function loadEngineModule(): Promise<EngineModule> {
  engineModulePromise ??= (async () => {
    const folder = dirname(createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm"));
    const engineModule = await import("@prisma/schema-engine-wasm/schema_engine_bg");
    const bytes = await readFile(join(folder, "schema_engine_bg.wasm"));
    const { instance } = await WebAssembly.instantiate(bytes, {
      "./schema_engine_bg.js": withPatientTimers({ ...engineModule }),
    });
    engineModule.__wbg_set_wasm(instance.exports);
    const start = instance.exports["__wbindgen_start"];
    if (typeof start === "function") start();
    return engineModule;
  })();
  return engineModulePromise;
}
