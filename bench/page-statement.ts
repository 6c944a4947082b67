import { createHistogram } from "node:perf_hooks";
import { Client } from "pg";
import type { BenchDatabases } from "./databases.ts";
import { productCount } from "./figures.ts";
import type { PageStatementFigure } from "./figures.ts";
import type { Stretch } from "./load.ts";
import { toMeasurement, warmUpSeconds } from "./measurement.ts";
import type { Measurement } from "./measurement.ts";
import { Random } from "./random.ts";
import { pageSize, productIdOf } from "./workload.ts";

/** What one page of stocks with the newest of their history takes, as one would write it by hand. */
const statement = `
  SELECT stock.product_id, stock.available, stock.allocated, stock.version, stock.updated_at, history.*
  FROM (
    SELECT * FROM stock WHERE tracked AND product_id > $1 ORDER BY product_id LIMIT ${pageSize.stocks}
  ) AS stock
  LEFT JOIN LATERAL (
    SELECT id, action, quantity, available_after, allocated_after, version, created_at
    FROM stock_transaction
    WHERE stock_transaction.product_id = stock.product_id
    ORDER BY version DESC
    LIMIT ${pageSize.transactionsOfEach}
  ) AS history ON true
  ORDER BY stock.product_id, history.version DESC`;

/** Sends the statement again and again on one connection, each time for another page. */
export async function measurePageStatement(
  { name, ledger }: PageStatementFigure,
  databases: BenchDatabases,
  seconds: number,
): Promise<Measurement> {
  const database = await databases.create(ledger);
  try {
    await database.timeStatements();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await readPages(client, warmUpSeconds);
      await database.restartTimes();
      const stretch = await readPages(client, seconds);
      const databaseMicros = (await database.readStatementMicros()) / stretch.answers;
      return toMeasurement(name, stretch, null, { databaseMicros });
    } finally {
      await client.end();
    }
  } finally {
    await database.drop();
  }
}

async function readPages(client: Client, seconds: number): Promise<Stretch> {
  const random = new Random(1);
  const micros = createHistogram();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  while (performance.now() < endsAt) {
    const sentAt = performance.now();
    const { rowCount } = await client.query(statement, [productIdOf(random.below(productCount - pageSize.stocks))]);
    if (rowCount === null || rowCount < pageSize.stocks) throw new Error(`A page had ${rowCount} rows`);
    micros.record(Math.max(1, Math.round((performance.now() - sentAt) * 1_000)));
  }
  return {
    answers: micros.count,
    seconds: (performance.now() - startedAt) / 1_000,
    p50Ms: micros.percentile(50) / 1_000,
    p99Ms: micros.percentile(99) / 1_000,
  };
}
