import { Client } from "pg";

/** One thing that is wrong with a product. */
export interface LedgerFault {
  readonly product_id: string;
  readonly fault: string;
}

/**
 * Recomputes every stock from the ledger and lists what doesn't agree: levels that aren't the sum of their effects,
 * versions with a gap, positions that run against versions, dates that run backwards.
 * @param productPrefix only of products whose ids begin so
 */
export async function auditLedger(databaseUrl: string, productPrefix = ""): Promise<LedgerFault[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<LedgerFault>(
      `
      WITH effects AS (
        SELECT ledger.*,
               CASE action WHEN 'DECREMENT' THEN -quantity WHEN 'ALLOCATE' THEN -quantity ELSE quantity END AS available_change,
               CASE action WHEN 'ALLOCATE' THEN quantity WHEN 'DEALLOCATE' THEN -quantity ELSE 0 END AS allocated_change,
               (SELECT count(*) FROM stock_deletion AS deletion
                WHERE deletion.product_id = ledger.product_id AND deletion.version < ledger.version) AS period
        FROM stock_transaction AS ledger
        WHERE starts_with(product_id, $1)
      ), sums AS (
        SELECT *,
               sum(available_change) OVER in_period AS available_sum,
               sum(allocated_change) OVER in_period AS allocated_sum,
               row_number() OVER in_all AS version_due,
               lag(position) OVER in_all AS position_before,
               lag(created_at) OVER in_all AS created_before,
               lead(version) OVER in_all IS NULL AS is_last
        FROM effects
        WINDOW in_period AS (PARTITION BY product_id, period ORDER BY version), in_all AS (PARTITION BY product_id ORDER BY version)
      )
      SELECT product_id, 'levels of version ' || version || ' are not the sum of their effects' AS fault FROM sums
      WHERE available_after <> available_sum OR allocated_after <> allocated_sum
      UNION ALL
      SELECT product_id, 'version ' || version || ' stands at place ' || version_due FROM sums WHERE version <> version_due
      UNION ALL
      SELECT product_id, 'version ' || version || ' is out of order' FROM sums
      WHERE position <= position_before OR created_at < created_before
      UNION ALL
      SELECT COALESCE(stock.product_id, sums.product_id), 'stock and last version disagree'
      FROM (SELECT * FROM stock WHERE starts_with(product_id, $1)) AS stock
      FULL JOIN (SELECT * FROM sums WHERE is_last) AS sums ON sums.product_id = stock.product_id
      WHERE stock.product_id IS NULL OR sums.product_id IS NULL OR stock.version <> sums.version
         OR (stock.tracked AND (stock.available <> sums.available_after OR stock.allocated <> sums.allocated_after))
      UNION ALL
      SELECT product_id, 'the key ' || idempotency_key || ' has no stock transaction' FROM spent_key AS spent
      WHERE starts_with(product_id, $1) AND version IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM stock_transaction AS ledger WHERE ledger.product_id = spent.product_id AND ledger.version = spent.version
          AND ledger.id = spent.command_id AND ledger.idempotency_key = spent.idempotency_key AND ledger.actor = spent.client_id)
      ORDER BY 1, 2`,
      [productPrefix],
    );
    return rows;
  } finally {
    await client.end();
  }
}
