import type { StockAction } from "../../src/inventory/actions.ts";
import { auditLedger } from "../../test/support/ledger-audit.ts";
import type { World } from "../world/world.ts";
import type { Findings } from "./tally.ts";

/** A stock transaction as the database has it. */
export interface LedgerRow {
  readonly id: string;
  readonly productId: string;
  readonly version: number;
  readonly action: StockAction;
  readonly quantity: number;
  readonly availableAfter: number;
  readonly allocatedAfter: number;
  /** Null where nobody of the harness asked for it. */
  readonly reference: string | null;
}

/** What the database says of the products of one round. */
export interface Ledger {
  readonly rows: readonly LedgerRow[];
  /** When tracking stopped: after that version. */
  readonly deletions: readonly { readonly productId: string; readonly version: number; readonly available: number }[];
}

export async function readLedger(world: World, productPrefix: string): Promise<Ledger> {
  const rows = await world.query<LedgerRow>(
    `SELECT id, product_id AS "productId", version, action, quantity, available_after AS "availableAfter",
            allocated_after AS "allocatedAfter", reference
     FROM stock_transaction WHERE starts_with(product_id, $1) ORDER BY product_id, version`,
    [productPrefix],
  );
  const deletions = await world.query<{ productId: string; version: number; available: number }>(
    `SELECT product_id AS "productId", version, available FROM stock_deletion WHERE starts_with(product_id, $1)`,
    [productPrefix],
  );
  return { rows, deletions };
}

/** Recomputes levels and versions from the ledger. @param productPrefix "" for all products */
export async function auditLevels(world: World, productPrefix: string, findings: Findings): Promise<void> {
  for (const { productId, fault } of await auditLedger(world.database.url, productPrefix))
    findings.add(/ follows version | is there twice$/.test(fault) ? "versionGaps" : "drift", `${productId}: ${fault}`);
  const negative = await world.query<{ product_id: string }>(
    `SELECT product_id FROM stock WHERE least(available, allocated) < 0 AND starts_with(product_id, $1)
     UNION ALL
     SELECT product_id FROM stock_transaction
     WHERE least(available_after, allocated_after) < 0 AND starts_with(product_id, $1)`,
    [productPrefix],
  );
  for (const { product_id } of negative) findings.add("negativeLevels", product_id);
}
