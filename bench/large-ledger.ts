import { Client } from "pg";

/** Written by one statement. */
const rowsPerStatement = 250_000;
const positionsPerGroup = 10_000;

/**
 * Fills a seeded database with stock transactions as a year of shops would leave them: each with a key, products in turn, one
 * more unit and one less.
 * @param onWritten told after each statement how many there are
 */
export async function fillLedger(
  url: string,
  { products, transactions }: { readonly products: number; readonly transactions: number },
  onWritten: (count: number) => void = () => undefined,
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SET synchronous_commit = off");
    for (let from = 0; from < transactions; from += rowsPerStatement) {
      const to = Math.min(transactions, from + rowsPerStatement);
      await client.query(
        `WITH rows AS (
           SELECT i, stock.product_id, 3 + i / ${products} AS version, (i / ${products}) % 2 = 0 AS is_more, stock.available,
                  stock.allocated, uuidv7() AS id, now() AS at
           FROM generate_series($1::int, $2::int - 1) AS i
           JOIN stock ON stock.product_id = 'product-' || lpad((i % ${products})::text, 6, '0')
         ), ledger AS (
           INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, idempotency_key,
                                          created_at, position)
           SELECT product_id, version, id, CASE WHEN is_more THEN 'INCREMENT' ELSE 'DECREMENT' END::stock_action, 1,
                  available + CASE WHEN is_more THEN 1 ELSE 0 END, allocated, 'bench', 'growth-' || i, at,
                  $3::bigint + ${positionsPerGroup}::bigint * (i / 100) + i % 100
           FROM rows ORDER BY i
         )
         INSERT INTO spent_key (client_id, idempotency_key, fingerprint, command_id, product_id, version, created_at)
         SELECT 'bench', 'growth-' || i, 'zOqVxk0Zp3q3f1yHn0xqkPp3yqL7pSx7bX3zqGdXb1A', id, product_id, version, at FROM rows ORDER BY i`,
        [from, to, 1_000_000_000],
      );
      onWritten(to);
    }
    await client.query(`
      UPDATE stock SET version = last.version, available = last.available_after, updated_at = now()
      FROM (SELECT DISTINCT ON (product_id) product_id, version, available_after FROM stock_transaction ORDER BY product_id, version DESC) AS last
      WHERE last.product_id = stock.product_id`);
    await client.query(
      "SELECT setval('stock_transaction_position', (SELECT max(position) / 10000 * 10000 + 10000 FROM stock_transaction))",
    );
    await client.query("VACUUM (ANALYZE)");
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
}
