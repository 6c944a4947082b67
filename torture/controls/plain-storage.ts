import { Pool } from "pg";
import type { PoolClient } from "pg";
import { toStorageError } from "../../src/database/errors.ts";
import { spentKeyOf } from "../../src/inventory/settlement.ts";
import type { Settlement, SettleState, SpentKey } from "../../src/inventory/settlement.ts";
import type { Refusal } from "../../src/inventory/errors.ts";
import type { StockTransaction } from "../../src/inventory/stock-transaction.ts";
import type { StockRecord } from "../../src/inventory/stock.ts";
import type { GroupScope, InventoryStorage } from "../../src/inventory/storage.ts";
import type { Flaw } from "./flaws.ts";

/** An attempt that was not acknowledged is not looked for: a control has no need of it. */
const nothingResolved = new Map<string, never>();

/**
 * Settles groups in plain SQL, one row at a time: slow, right when it has no flaw, and with a flaw wrong in one way. It
 * stands in for the gateway's own storage, which can't be made wrong by a setting.
 */
export class PlainStorage implements InventoryStorage {
  readonly #pool: Pool;
  readonly #flaw: Flaw;

  constructor(databaseUrl: string, flaw: Flaw) {
    this.#pool = new Pool({
      connectionString: databaseUrl,
      max: 4,
      application_name: "inventory-gateway groups",
      options: "-c lock_timeout=2000 -c statement_timeout=4000 -c timezone=UTC",
    });
    this.#pool.on("error", () => undefined);
    this.#flaw = flaw;
  }

  async settle(
    scope: GroupScope,
    _deadline: number,
    decide: (state: SettleState, now: Date) => Settlement,
  ): Promise<Settlement> {
    let phase: "statements" | "commit" = "statements";
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw toStorageError(error, phase);
    });
    try {
      await client.query("BEGIN");
      const early = this.#flaw === "key-before-lock" ? await findSpentKeys(client, scope) : null;
      const stocks = await this.#readStocks(client, scope);
      const spentKeys = early ?? (await findSpentKeys(client, scope));
      const decided = decide({ stocks, spentKeys, resolved: nothingResolved }, new Date());
      await this.#writeOrForget(client, decided);
      phase = "commit";
      await client.query("COMMIT");
      client.release();
      return decided;
    } catch (error) {
      client.release(true);
      throw toStorageError(error, phase);
    }
  }

  /** A control has no need of it: everything waits. */
  async findHeld(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #readStocks(client: PoolClient, { productIds }: GroupScope): Promise<Map<string, StockRecord>> {
    const lock = this.#flaw === "unlocked" ? "" : "FOR UPDATE";
    const { rows } = await client.query<StockRecord>(
      `SELECT product_id AS "productId", available, allocated, version, tracked, created_at AS "createdAt", updated_at AS "updatedAt"
       FROM stock WHERE product_id = ANY($1) ORDER BY product_id ${lock}`,
      [productIds],
    );
    return new Map(rows.map((row) => [row.productId, row]));
  }

  /** PostgreSQL answers the COMMIT that follows a failed statement with a rollback, and nobody hears of it. */
  async #writeOrForget(client: PoolClient, settlement: Settlement): Promise<void> {
    try {
      await this.#write(client, settlement);
    } catch (error) {
      if (this.#flaw !== "error-caught") throw error;
    }
  }

  async #write(client: PoolClient, settlement: Settlement): Promise<void> {
    for (const { stock, versionBefore } of settlement.stocks.toSorted((left, right) =>
      left.stock.productId < right.stock.productId ? -1 : 1,
    )) {
      const own = settlement.transactions.filter(({ productId }) => productId === stock.productId);
      const offset = (await writeStock(client, stock, versionBefore)) - stock.version;
      // Only without the lock somebody else's versions come in between.
      for (const transaction of own) await writeTransaction(client, transaction, transaction.version + offset);
    }
    for (const { id, productId, version, available, actor, createdAt } of settlement.deletions)
      await client.query(
        "INSERT INTO stock_deletion (product_id, version, id, available, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [productId, version, id, available, actor, createdAt],
      );
    for (const key of settlement.spentKeys)
      if (this.#flaw !== "refusals-spend-no-key" || key.outcome.kind === "applied") await spend(client, key);
  }
}

interface SpentKeyRow extends StockTransaction {
  readonly spentClientId: string;
  readonly spentKey: string;
  readonly fingerprint: string;
  readonly commandId: string;
  readonly refusal: Refusal | null;
  readonly spentAt: Date;
}

async function findSpentKeys(client: PoolClient, { keys }: GroupScope): Promise<Map<string, SpentKey>> {
  const { rows } = await client.query<SpentKeyRow>(
    `SELECT spent.client_id AS "spentClientId", spent.idempotency_key AS "spentKey", spent.fingerprint, spent.command_id AS "commandId",
            spent.refusal, spent.created_at AS "spentAt", ledger.id, ledger.product_id AS "productId", ledger.action, ledger.quantity,
            ledger.available_after AS "availableAfter", ledger.allocated_after AS "allocatedAfter", ledger.version, ledger.reason,
            ledger.reference, ledger.note, ledger.actor, ledger.idempotency_key AS "idempotencyKey", ledger.created_at AS "createdAt"
     FROM unnest($1::text[], $2::text[]) AS asked (client_id, idempotency_key)
     JOIN spent_key AS spent USING (client_id, idempotency_key)
     LEFT JOIN stock_transaction AS ledger ON ledger.product_id = spent.product_id AND ledger.version = spent.version`,
    [keys.map(({ clientId }) => clientId), keys.map(({ idempotencyKey }) => idempotencyKey)],
  );
  return new Map(
    rows.map(({ spentClientId, spentKey, fingerprint, commandId, refusal, spentAt, ...transaction }) => [
      spentKeyOf(spentClientId, spentKey),
      {
        clientId: spentClientId,
        idempotencyKey: spentKey,
        fingerprint,
        commandId,
        outcome: refusal === null ? { kind: "applied", transaction } : { kind: "refused", refusal },
        createdAt: spentAt,
      },
    ]),
  );
}

/** @returns the version that the stock has then */
async function writeStock(client: PoolClient, stock: StockRecord, versionBefore: number): Promise<number> {
  const { productId, available, allocated, version, tracked, createdAt, updatedAt } = stock;
  const { rows } = await client.query<{ version: number }>(
    `INSERT INTO stock (product_id, available, allocated, version, tracked, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ${versionBefore === 0 ? "" : "ON CONFLICT (product_id) DO UPDATE SET available = $2, allocated = $3, version = stock.version + $8, tracked = $5, created_at = $6, updated_at = $7"}
     RETURNING version`,
    [productId, available, allocated, version, tracked, createdAt, updatedAt].concat(
      versionBefore === 0 ? [] : [version - versionBefore],
    ),
  );
  return rows[0]?.version ?? version;
}

async function writeTransaction(client: PoolClient, transaction: StockTransaction, version: number): Promise<void> {
  const { productId, id, action, quantity, availableAfter, allocatedAfter, reason, reference, note } = transaction;
  await client.query(
    `INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, reason,
                                    reference, note, actor, idempotency_key, created_at, position)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, nextval('stock_transaction_position'))`,
    [productId, version, id, action, quantity, availableAfter, allocatedAfter, reason, reference, note].concat([
      transaction.actor,
      transaction.idempotencyKey,
      transaction.createdAt.toISOString(),
    ]),
  );
}

/** One that was spent in between stays as it is: whoever looks before the lock does not even notice. */
async function spend(
  client: PoolClient,
  { clientId, idempotencyKey, fingerprint, commandId, outcome, createdAt }: SpentKey,
): Promise<void> {
  const [productId, version, refusal] =
    outcome.kind === "applied"
      ? [outcome.transaction.productId, outcome.transaction.version, null]
      : [outcome.refusal.productId, null, JSON.stringify(outcome.refusal)];
  await client.query(
    `INSERT INTO spent_key (client_id, idempotency_key, fingerprint, command_id, product_id, version, refusal, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [clientId, idempotencyKey, fingerprint, commandId, productId, version, refusal, createdAt],
  );
}
