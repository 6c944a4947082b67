import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { migrate } from "../src/database/migrate.ts";
import { createPrisma } from "../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../src/database/inventory-storage.ts";
import { batchLinesMax } from "../src/inventory/commands.ts";
import type { StockTransactionInput } from "../src/inventory/commands.ts";
import { GroupCommit } from "../src/inventory/group-commit.ts";
import { Inventory } from "../src/inventory/inventory.ts";
import { benchFile } from "./bench-file.ts";
import { fillLedger } from "./large-ledger.ts";
import { LedgerCheck } from "./ledger-check.ts";
import { executeSql } from "./sql.ts";
import { productIdOf } from "./workload.ts";

/** A durable PostgreSQL of the benchmark's own, with one seeded database to copy. */
export interface BenchDatabases {
  /** Of the server. */
  readonly version: string;
  /** A fresh database: migrated, and with stock of every product. @param ledger large: with 1 000 000 stock transactions besides */
  create(ledger?: LedgerSize): Promise<BenchDatabase>;
  /** Stops the server and removes its files. */
  close(): Promise<void>;
}

/** small: what a database is seeded with, two stock transactions of each product. */
export type LedgerSize = "small" | "large";

export interface BenchDatabase {
  readonly url: string;
  readonly ledger: LedgerCheck;
  /** Has the time of every statement counted that a session begun from now on sends. */
  timeStatements(): Promise<void>;
  /** Forgets the time of those so far. */
  restartTimes(): Promise<void>;
  /** How long PostgreSQL has planned and executed statements, in microseconds. */
  readStatementMicros(): Promise<number>;
  drop(): Promise<void>;
}

/** So many stock transactions are in a large ledger. */
const largeLedgerRows = 1_000_000;

/** So much of each product is available, and as much allocated: more than any run moves. */
const unitsOfEach = 1_000_000;

/**
 * Starts a PostgreSQL with the settings that the gateway starts it with, fsync among them, in a folder of its own. It can time
 * statements besides, and does so only where it is asked to.
 */
export async function startBenchDatabases(productCount: number): Promise<BenchDatabases> {
  const folder = await mkdtemp(join(tmpdir(), "inventory-gateway-bench-"));
  // As root the server is another user, who has to get in.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres(folder, {
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "none",
  });
  const close = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await copyPackageFiles();
    await migrate(server.url);
    await seed(server.url, productCount);
    const adminUrl = withDatabase(server.url, "postgres");
    await executeSql(adminUrl, "CREATE EXTENSION pg_stat_statements");
    const version = await readVersion(adminUrl);
    const largeUrl = once(async () => {
      const large = await createDatabase(server.url, adminUrl, "bench_large");
      await fillLedger(large, { products: productCount, transactions: largeLedgerRows });
      return large;
    });
    let created = 0;
    return {
      version,
      create: async (ledger = "small") => {
        created += 1;
        const template = ledger === "large" ? await largeUrl() : server.url;
        return await openDatabase(await createDatabase(template, adminUrl, `bench_${created}`), adminUrl);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Copied file by file, and all of it written out: nothing is left to be written while something is measured. */
async function createDatabase(templateUrl: string, adminUrl: string, name: string): Promise<string> {
  await executeSql(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${nameOf(templateUrl)} STRATEGY file_copy`);
  await executeSql(adminUrl, "CHECKPOINT");
  return withDatabase(templateUrl, name);
}

async function openDatabase(url: string, adminUrl: string): Promise<BenchDatabase> {
  const name = nameOf(url);
  const ledger = await LedgerCheck.open(url);
  const ownId = `(SELECT oid FROM pg_database WHERE datname = '${name}')`;
  return {
    url,
    ledger,
    timeStatements: async () => {
      await executeSql(adminUrl, `ALTER DATABASE ${name} SET pg_stat_statements.track = top`);
      await executeSql(adminUrl, `ALTER DATABASE ${name} SET pg_stat_statements.track_planning = on`);
    },
    restartTimes: async () => void (await executeSql(adminUrl, `SELECT pg_stat_statements_reset(0, ${ownId}, 0)`)),
    readStatementMicros: async () => {
      const [row] = await executeSql<{ millis: number }>(
        adminUrl,
        `SELECT coalesce(sum(total_plan_time + total_exec_time), 0)::float8 AS millis FROM pg_stat_statements WHERE dbid = ${ownId}`,
      );
      return (row?.millis ?? 0) * 1_000;
    },
    drop: async () => {
      await ledger.close();
      await executeSql(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** What a program looks for beside its folder, which for the benchmark is build/bench/src. */
async function copyPackageFiles(): Promise<void> {
  const packageRoot = dirname(dirname(benchFile("README.md")));
  const target = fileURLToPath(new URL("..", import.meta.url));
  for (const name of ["prisma", "package.json"])
    await cp(join(packageRoot, name), join(target, name), { recursive: true });
}

/** Stock of every product, made as an administrator would: levels and ledger agree. */
async function seed(url: string, productCount: number): Promise<void> {
  const prisma = createPrisma(url, { poolSize: 1, name: "bench seed", preparesStatements: true });
  try {
    const inventory = new Inventory(new GroupCommit(new PrismaInventoryStorage(prisma)));
    const lines = Array.from({ length: productCount }, (_, index) => index).flatMap(linesOf);
    for (let first = 0; first < lines.length; first += batchLinesMax) {
      const outcomes = await inventory.createStockTransactions(
        "bench-seed",
        lines.slice(first, first + batchLinesMax),
        "EACH",
      );
      if (outcomes.some(({ kind }) => kind === "refused"))
        throw new Error("A stock transaction of the seed was refused");
    }
  } finally {
    await prisma.$disconnect();
  }
  await executeSql(url, "VACUUM ANALYZE");
}

function linesOf(index: number): StockTransactionInput[] {
  const line = {
    productId: productIdOf(index),
    idempotencyKey: null,
    expectedVersion: null,
    reason: null,
    reference: null,
    note: null,
  };
  return [
    { ...line, action: "CREATE", quantity: 2 * unitsOfEach },
    { ...line, action: "ALLOCATE", quantity: unitsOfEach },
  ];
}

async function readVersion(url: string): Promise<string> {
  const [row] = await executeSql<{ server_version: string }>(url, "SHOW server_version");
  return row?.server_version ?? "unknown";
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
}
