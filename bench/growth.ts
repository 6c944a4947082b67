import { Command, InvalidArgumentError } from "commander";
import { LedgerAudit } from "../src/database/ledger-audit.ts";
import type { LedgerFault } from "../src/database/ledger-audit.ts";
import { createPrisma } from "../src/database/prisma.ts";
import { PrismaInventoryQueries } from "../src/database/inventory-queries.ts";
import { PrismaInventoryStorage } from "../src/database/inventory-storage.ts";
import { GroupCommit } from "../src/inventory/group-commit.ts";
import { Inventory } from "../src/inventory/inventory.ts";
import { startBenchDatabases } from "./databases.ts";
import { fillLedger } from "./large-ledger.ts";
import { medianBy } from "./median.ts";
import { describeMachine } from "./report.ts";
import { executeSql } from "./sql.ts";
import { productIdOf } from "./workload.ts";

/*
 * What a large ledger costs: how many bytes a stock transaction takes, and whether writing and reading take longer than on
 * one that is nearly empty. Both databases are asked in turn, so that whatever else the machine does hits both.
 */

const products = 10_000;

const { transactions, rounds } = new Command("growth")
  .description("Measures what a large ledger costs, on a durable PostgreSQL that it starts itself.")
  .option("--transactions <number>", "how many stock transactions the large ledger has", parseCount, 10_000_000)
  .option("--rounds <number>", "how often each database is asked the same", parseCount, 40)
  .showHelpAfterError()
  .parse()
  .opts<{ transactions: number; rounds: number }>();

async function measureGrowth(): Promise<void> {
  const databases = await startBenchDatabases(products);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void databases.close().finally(() => process.exit(1)));
  try {
    console.log(describeMachine(databases.version));
    const [empty, full] = [await databases.create(), await databases.create()];
    const before = await sizesOf(full.url);
    await fill(full.url);
    console.log(toSizeTable(before, await sizesOf(full.url)));
    const subjects = [new Subject("empty", empty.url), new Subject("full", full.url)] as const;
    const times = await measureInTurn(subjects);
    console.log(toTimeTable(times));
    for (const subject of subjects) await subject.close();
    for (const database of [empty, full]) {
      for (const { fault } of await faultsOf(database.url)) throw new Error(`The ledger is not sound: ${fault}`);
      await database.drop();
    }
  } finally {
    await databases.close();
  }
}

async function fill(url: string): Promise<void> {
  const startedAt = performance.now();
  await fillLedger(url, { products, transactions }, (count) => {
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(`${count} written, ${Math.round(count / seconds)}/s`);
  });
}

/** The ledger as it was filled and written to has to be one that gateways could have written. */
async function faultsOf(url: string): Promise<readonly LedgerFault[]> {
  const audit = await LedgerAudit.open(url);
  try {
    const faults: LedgerFault[] = [];
    for await (const part of audit.parts()) faults.push(...part.faults);
    return faults;
  } finally {
    await audit.close();
  }
}

type Sizes = ReadonlyMap<string, number>;

/** Bytes of the tables that grow, and of their indexes. */
async function sizesOf(url: string): Promise<Sizes> {
  const rows = await executeSql<{ name: string; bytes: number }>(
    url,
    `SELECT relname AS name, pg_relation_size(oid)::float8 AS bytes FROM pg_class
     WHERE relkind IN ('r', 'i') AND (relname LIKE 'stock\\_transaction%' OR relname LIKE 'spent\\_key%') ORDER BY 1`,
  );
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

function toSizeTable(before: Sizes, after: Sizes): string {
  const lines = [...after].map(([name, bytes]) => {
    const each = (bytes - (before.get(name) ?? 0)) / transactions;
    return `| ${name} | ${(bytes / 2 ** 20).toFixed(0)} | ${each.toFixed(1)} |`;
  });
  return ["", "| table or index | MiB | bytes each |", "| --- | ---: | ---: |", ...lines, ""].join("\n");
}

type Work = (subject: Subject, round: number) => Promise<unknown>;

/** Each the same on both databases; products differ from round to round, and are the same on both. */
const works: Readonly<Record<string, Work>> = {
  "write 32 groups of 32": async ({ inventory }, round) => {
    for (let group = 0; group < 32; group += 1)
      await Promise.all(
        Array.from({ length: 32 }, (_, index) =>
          inventory.createStockTransaction("bench", {
            productId: anyProduct(round * 1_024 + group * 32 + index),
            action: "INCREMENT",
            quantity: 1,
            idempotencyKey: `round-${round}-${group}-${index}`,
            expectedVersion: null,
            reason: null,
            reference: null,
            note: null,
          }),
        ),
      );
  },
  "read 100 stocks": ({ queries }, round) =>
    repeat(100, (index) => queries.findStocks([anyProduct(round * 100 + index)])),
  "read 100 newest ends of a history": ({ queries }, round) =>
    repeat(100, (index) =>
      queries.listHistories([anyProduct(round * 100 + index)], {
        filter: {},
        orderBy: "NEWEST_FIRST",
        page: shortPage,
      }),
    ),
  "read 50 newest pages of the ledger": ({ queries }) =>
    repeat(50, () => queries.listStockTransactions({ filter: {}, orderBy: "NEWEST_FIRST", page })),
  "read 50 outcomes by key": ({ queries }, round) =>
    repeat(50, (index) => queries.findOutcome("bench", `round-${round}-0-${index % 32}`)),
};

const page = { limit: 25, direction: "forward" } as const;
/** In the nearly empty ledger a product has no more: both answer with as many. */
const shortPage = { limit: 2, direction: "forward" } as const;

async function repeat(count: number, ask: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index += 1) await ask(index);
}

function anyProduct(seed: number): string {
  return productIdOf((seed * 7_919) % products);
}

type Times = ReadonlyMap<string, { readonly empty: number; readonly full: number }>;

/** @returns the median of each work on each database, in milliseconds */
async function measureInTurn(subjects: readonly [Subject, Subject]): Promise<Times> {
  const medians = new Map<string, { empty: number; full: number }>();
  for (const [name, work] of Object.entries(works)) {
    const taken = { empty: [] as number[], full: [] as number[] };
    for (let round = 0; round < rounds; round += 1)
      // Who comes second finds the processor warm: each is second as often as the other.
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        const startedAt = performance.now();
        await work(subject, round);
        taken[subject.name].push(performance.now() - startedAt);
      }
    medians.set(name, { empty: medianOf(taken.empty), full: medianOf(taken.full) });
  }
  return medians;
}

function medianOf(values: readonly number[]): number {
  return medianBy(values, (value) => value) ?? Number.NaN;
}

function toTimeTable(times: Times): string {
  const lines = [...times].map(
    ([name, { empty, full }]) =>
      `| ${name} | ${empty.toFixed(1)} | ${full.toFixed(1)} | ${(full / empty).toFixed(2)} |`,
  );
  return ["", "| what | nearly empty, ms | large, ms | ratio |", "| --- | ---: | ---: | ---: |", ...lines, ""].join(
    "\n",
  );
}

/** A database with what a gateway asks it by. */
class Subject {
  readonly name: "empty" | "full";
  readonly inventory: Inventory;
  readonly queries: PrismaInventoryQueries;
  readonly #close: () => Promise<void>;

  constructor(name: "empty" | "full", url: string) {
    const writing = createPrisma(url, { name: "bench writing", poolSize: 2, preparesStatements: true });
    const reading = createPrisma(url, { name: "bench reading", poolSize: 2, preparesStatements: false });
    this.name = name;
    this.inventory = new Inventory(new GroupCommit(new PrismaInventoryStorage(writing)));
    this.queries = new PrismaInventoryQueries(reading);
    this.#close = async () => void (await Promise.all([writing.$disconnect(), reading.$disconnect()]));
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("It has to be a whole number, 1 or more.");
  return value;
}

await measureGrowth();
