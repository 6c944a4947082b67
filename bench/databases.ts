import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { migrate } from "../src/database/migrate.ts";
import { createPrisma } from "../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../src/database/inventory-storage.ts";
import { batchLinesMax } from "../src/inventory/commands.ts";
import type { StockTransactionInput } from "../src/inventory/commands.ts";
import { GroupCommit } from "../src/inventory/group-commit.ts";
import { Inventory } from "../src/inventory/inventory.ts";
import { LedgerCheck } from "./ledger-check.ts";
import { productIdOf } from "./workload.ts";

/** A durable PostgreSQL of the benchmark's own, with one seeded database to copy. */
export interface BenchDatabases {
  /** Of the server. */
  readonly version: string;
  /** A fresh database: migrated, and with stock of every product. */
  create(): Promise<BenchDatabase>;
  /** Stops the server and removes its files. */
  close(): Promise<void>;
}

export interface BenchDatabase {
  readonly url: string;
  readonly ledger: LedgerCheck;
  drop(): Promise<void>;
}

/** So much of each product is available, and as much allocated: more than any run moves. */
const unitsOfEach = 1_000_000;

/** Starts a PostgreSQL with the settings that the gateway starts it with, fsync among them, in a folder of its own. */
export async function startBenchDatabases(productCount: number): Promise<BenchDatabases> {
  const folder = await mkdtemp(join(tmpdir(), "inventory-gateway-bench-"));
  // As root the server is another user, who has to get in.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres(folder);
  const close = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await migrateCopy(server.url);
    await seed(server.url, productCount);
    const adminUrl = withDatabase(server.url, "postgres");
    const version = await readVersion(adminUrl);
    let created = 0;
    return {
      version,
      create: async () => {
        created += 1;
        return await createCopy(server.url, adminUrl, `bench_${created}`);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createCopy(templateUrl: string, adminUrl: string, name: string): Promise<BenchDatabase> {
  await execute(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${new URL(templateUrl).pathname.slice(1)}`);
  // What was written so far is not to be written out while something is measured.
  await execute(adminUrl, "CHECKPOINT");
  const url = withDatabase(templateUrl, name);
  const ledger = await LedgerCheck.open(url);
  return {
    url,
    ledger,
    drop: async () => {
      await ledger.close();
      await execute(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** The migrations are looked for beside the folder of the program, which for the benchmark is build/src. */
async function migrateCopy(url: string): Promise<void> {
  const here = fileURLToPath(new URL(".", import.meta.url));
  await cp(join(here, "../../prisma"), join(here, "../prisma"), { recursive: true });
  await migrate(url);
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
  await execute(url, "VACUUM ANALYZE");
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
  const [row] = await execute<{ server_version: string }>(url, "SHOW server_version");
  return row?.server_version ?? "unknown";
}

async function execute<Row extends object>(url: string, statement: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
}
