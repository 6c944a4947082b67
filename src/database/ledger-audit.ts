import { Client } from "pg";
import type { Drift } from "../inventory/correction.ts";
import { auditSql, keysSql } from "./ledger-audit-statements.ts";
import type { AuditOptions } from "./ledger-audit-statements.ts";

/** One thing that is wrong with a product, as a person can look it up. */
export interface LedgerFault {
  readonly productId: string;
  readonly fault: string;
}

/** What a part of the audit came to. */
export interface AuditedPart {
  /** How many stock transactions it held against their effects. */
  readonly transactions: number;
  readonly faults: readonly LedgerFault[];
  /** The products among them whose stock a correction can put right. */
  readonly drifts: readonly Drift[];
}

/** About how many stock transactions one statement looks at: one product's are never parted. */
const transactionsPerPart = 50_000;
const productsPerPart = 5_000;

/** Of a client that waits as long as it takes, changes nothing and is compiled for no statement. */
const sessionOptions = "-c timezone=UTC -c default_transaction_read_only=on -c jit=off -c statement_timeout=0";

/**
 * Recomputes every stock from the ledger, and lists what doesn't agree. Each part is one statement, and so one moment of
 * the database: gateways may serve meanwhile.
 */
export class LedgerAudit {
  readonly #client: Client;
  readonly #options: AuditOptions;

  private constructor(client: Client, options: AuditOptions) {
    this.#client = client;
    this.#options = options;
  }

  static async open(databaseUrl: string, options: AuditOptions = { checksOrder: true }): Promise<LedgerAudit> {
    const client = new Client({
      connectionString: databaseUrl,
      application_name: "inventory-gateway audit",
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      options: sessionOptions,
    });
    // A lost connection also rejects the query that runs; without a listener it would end the process.
    client.on("error", () => undefined);
    await client.connect();
    return new LedgerAudit(client, options);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** About how many stock transactions {@link parts} will count. */
  async countTransactions(): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      "SELECT COALESCE(sum(version), 0)::float8 AS count FROM stock",
    );
    return rows[0]?.count ?? 0;
  }

  /** All products by id, some at a time. */
  async *parts(): AsyncGenerator<AuditedPart> {
    let after = "";
    for (;;) {
      const upTo = await this.#endOfPart(after);
      yield await this.#auditRange(after, upTo);
      if (upTo === null) return;
      after = upTo;
    }
  }

  /** One product alone. */
  async auditProduct(productId: string): Promise<AuditedPart> {
    const { rows } = await this.#client.query<AuditRow>(auditSql("product_id = $1", this.#options), [productId]);
    return toPart(rows);
  }

  /**
   * Idempotency keys that don't answer with what was done, and those that were done twice: a key is kept for a day at
   * least, so that only a later stock transaction may have it again.
   */
  async auditKeys(): Promise<readonly LedgerFault[]> {
    const { rows } = await this.#client.query<{ product_id: string; fault: string }>(keysSql);
    return rows.map(({ product_id, fault }) => ({ productId: product_id, fault }));
  }

  /** The last product of the part that begins after a product; null where it is the last part. */
  async #endOfPart(after: string): Promise<string | null> {
    const { rows } = await this.#client.query<{ product_id: string; version: number }>(
      "SELECT product_id, version FROM stock WHERE product_id > $1 ORDER BY product_id LIMIT $2",
      [after, productsPerPart],
    );
    let transactions = 0;
    const end = rows.find(({ version }) => {
      transactions += version;
      return transactions >= transactionsPerPart;
    });
    return (end ?? (rows.length < productsPerPart ? undefined : rows.at(-1)))?.product_id ?? null;
  }

  async #auditRange(after: string, upTo: string | null): Promise<AuditedPart> {
    const range = upTo === null ? "product_id > $1" : "product_id > $1 AND product_id <= $2";
    const values = upTo === null ? [after] : [after, upTo];
    const { rows } = await this.#client.query<AuditRow>(auditSql(range, this.#options), values);
    return toPart(rows);
  }
}

interface AuditRow {
  readonly kind: "counted" | "fault" | "drift";
  readonly product_id: string;
  readonly fault: string;
  readonly count: number;
  readonly available: number;
  readonly allocated: number;
  readonly available_change: number;
  readonly allocated_change: number;
  readonly version: number;
}

function toPart(rows: readonly AuditRow[]): AuditedPart {
  return {
    transactions: rows.find(({ kind }) => kind === "counted")?.count ?? 0,
    faults: rows.flatMap(({ kind, product_id, fault }) => (kind === "fault" ? [{ productId: product_id, fault }] : [])),
    drifts: rows.flatMap((row) =>
      row.kind !== "drift"
        ? []
        : [
            {
              productId: row.product_id,
              version: row.version,
              levels: { available: row.available, allocated: row.allocated },
              change: { available: row.available_change, allocated: row.allocated_change },
            },
          ],
    ),
  };
}
