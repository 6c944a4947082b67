import { actionEffects, stockActions } from "../inventory/actions.ts";
import { correctionReason, correctionReference } from "../inventory/correction.ts";

export interface AuditOptions {
  /** Whether positions and times have to run with the versions of a product. */
  readonly checksOrder: boolean;
}

/** What an action adds to a pool, out of the table of the rules. */
function effectSql(pool: "available" | "allocated"): string {
  const cases = stockActions.map((action) => `WHEN '${action}' THEN ${actionEffects[action][pool]} * quantity`);
  return `CASE action ${cases.join(" ")} END`;
}

/**
 * The audit of the products in a range. Drift is what the levels have that the effects of the stock transactions since
 * tracking began don't explain. A stock transaction at which it changes is a fault, unless a correction explains it later:
 * such a one has levels that its own effect doesn't explain, which no other way of writing leaves behind.
 */
export function auditSql(range: string, options: AuditOptions): string {
  return `
    WITH ${historySql(range)}, ${faultsSql(range, options)}
    SELECT 'counted' AS kind, NULL AS product_id, NULL::int AS version, NULL AS fault, (SELECT count(*)::float8 FROM ledger) AS count,
           NULL::int AS available, NULL::int AS allocated, NULL::float8 AS available_change, NULL::float8 AS allocated_change
    UNION ALL
    SELECT 'fault', product_id, version, fault, NULL, NULL, NULL, NULL, NULL FROM found
    UNION ALL
    SELECT 'drift', product_id, version, NULL, NULL, available, allocated, (available - available_sum)::float8, (allocated - allocated_sum)::float8
    FROM stocks WHERE is_current AND tracked AND (available, allocated) <> (available_sum, allocated_sum)
    ORDER BY kind, product_id, version, fault`;
}

/** The common tables ledger, a row for each stock transaction, and stocks, one for each product. */
function historySql(range: string): string {
  return `
    steps AS (
      SELECT product_id, version, available_after, allocated_after, position, created_at,
             ${effectSql("available")} AS available_effect, ${effectSql("allocated")} AS allocated_effect,
             reason = '${correctionReason}' AND reference = '${correctionReference}' AS is_correction,
             deletion.version IS NOT NULL AS is_end, deletion.available AS left_available,
             lag(version) OVER history AS version_before, lag(position) OVER history AS position_before,
             lag(ledger.created_at) OVER history AS created_before, lead(version) OVER history IS NULL AS is_last
      FROM (SELECT * FROM stock_transaction WHERE ${range}) AS ledger
      LEFT JOIN (SELECT product_id, version, available FROM stock_deletion WHERE ${range}) AS deletion USING (product_id, version)
      WINDOW history AS (PARTITION BY product_id ORDER BY version)
    ), periods AS (
      SELECT *, count(*) FILTER (WHERE is_end) OVER (
        PARTITION BY product_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS period
      FROM steps
    ), sums AS (
      SELECT *, sum(available_effect) OVER in_period AS available_sum, sum(allocated_effect) OVER in_period AS allocated_sum
      FROM periods
      WINDOW in_period AS (PARTITION BY product_id, period ORDER BY version ROWS UNBOUNDED PRECEDING)
    ), drifts AS (
      SELECT *, available_after - available_sum AS available_drift, allocated_after - allocated_sum AS allocated_drift,
             lag(available_after - available_sum, 1, 0) OVER in_period AS available_drift_before,
             lag(allocated_after - allocated_sum, 1, 0) OVER in_period AS allocated_drift_before
      FROM sums
      WINDOW in_period AS (PARTITION BY product_id, period ORDER BY version)
    ), ledger AS MATERIALIZED (
      SELECT *, (available_drift, allocated_drift) <> (available_drift_before, allocated_drift_before) AS drifts,
             max(version) FILTER (
               WHERE is_correction AND (available_drift, allocated_drift) = (0, 0)
                 AND (available_drift_before, allocated_drift_before) <> (0, 0)
             ) OVER (PARTITION BY product_id, period) AS corrected_by
      FROM drifts
    ), stocks AS MATERIALIZED (
      SELECT COALESCE(stock.product_id, last.product_id) AS product_id, stock.available, stock.allocated, stock.version, stock.tracked,
             last.version AS last_version, last.is_end, last.available_sum, last.allocated_sum,
             stock.version = last.version AND stock.tracked <> last.is_end AS is_current
      FROM (SELECT * FROM stock WHERE ${range}) AS stock
      FULL JOIN (SELECT * FROM ledger WHERE is_last) AS last USING (product_id)
    )`;
}

/** The common table found: what is wrong, in words. */
function faultsSql(range: string, { checksOrder }: AuditOptions): string {
  return `
    found AS (
      SELECT product_id, version,
             'version ' || version || ': the levels are not those before it and its effect, by '
               || available_drift - available_drift_before || ' available, ' || allocated_drift - allocated_drift_before || ' allocated' AS fault
      FROM ledger WHERE drifts AND (corrected_by IS NULL OR corrected_by < version)
      UNION ALL
      SELECT product_id, version, 'version ' || version || ' is there twice' FROM ledger WHERE version = version_before
      UNION ALL
      SELECT product_id, version, 'version ' || version || ' follows version ' || COALESCE(version_before, 0) FROM ledger
      WHERE version <> COALESCE(version_before, 0) + 1 AND version IS DISTINCT FROM version_before
      UNION ALL
      SELECT product_id, version, 'version ' || version || ' is out of order' FROM ledger
      WHERE ${checksOrder} AND (position <= position_before OR created_at < created_before)
      UNION ALL
      SELECT product_id, version, 'version ' || version || ': its levels are not those that were deleted' FROM ledger
      WHERE is_end AND (left_available <> available_after OR allocated_after <> 0)
      UNION ALL
      SELECT product_id, version, 'the deletion after version ' || version || ' has no stock transaction' FROM stock_deletion AS deletion
      WHERE ${range} AND NOT EXISTS (SELECT FROM ledger WHERE (ledger.product_id, ledger.version) = (deletion.product_id, deletion.version))
      UNION ALL
      SELECT product_id, NULL,
             CASE
               WHEN version IS NULL THEN 'there is no stock of it, and version ' || last_version || ' in the ledger'
               WHEN last_version IS NULL THEN 'there is stock of it, and nothing in the ledger'
               WHEN version <> last_version THEN 'the stock has version ' || version || ', the ledger version ' || last_version
               WHEN tracked = is_end THEN CASE WHEN tracked THEN 'it is tracked, and was deleted' ELSE 'it is not tracked, and was not deleted' END
               ELSE 'the stock is ' || available || ' available, ' || allocated || ' allocated; the ledger says '
                    || available_sum || ' available, ' || allocated_sum || ' allocated'
             END
      FROM stocks
      WHERE is_current IS NOT TRUE OR (tracked AND (available, allocated) <> (available_sum, allocated_sum))
    )`;
}

/** Rows of product_id and fault. */
export const keysSql = `
  SELECT spent.product_id, 'the key ' || idempotency_key || ' has no stock transaction' AS fault
  FROM spent_key AS spent
  WHERE version IS NOT NULL AND NOT EXISTS (
    SELECT FROM stock_transaction AS ledger
    WHERE (ledger.product_id, ledger.version, ledger.id, ledger.idempotency_key, ledger.actor)
        = (spent.product_id, spent.version, spent.command_id, spent.idempotency_key, spent.client_id))
  UNION ALL
  SELECT product_id, 'version ' || version || ' has the key ' || idempotency_key || ', which had been used within the day before'
  FROM (
    SELECT product_id, version, idempotency_key,
           created_at - lag(created_at) OVER (PARTITION BY actor, idempotency_key ORDER BY position) AS apart
    FROM stock_transaction WHERE idempotency_key IS NOT NULL
  ) AS keyed
  WHERE apart < interval '24 hours'
  ORDER BY 1, 2`;
