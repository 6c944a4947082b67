import { Client } from "pg";

/** Positions are taken in runs of so many, one run a group: see prisma/migrations. */
const positionsPerGroup = 10_000;

/** Looks from outside at what a server wrote into a seeded database. */
export class LedgerCheck {
  readonly #client: Client;
  readonly #seededRows: number;

  private constructor(client: Client, seededRows: number) {
    this.#client = client;
    this.#seededRows = seededRows;
  }

  static async open(url: string): Promise<LedgerCheck> {
    const client = new Client({ connectionString: url });
    // A lost connection also rejects the query that runs; without a listener it would end the process.
    client.on("error", () => undefined);
    await client.connect();
    const seeded = await client.query<{ rows: number }>("SELECT count(*)::int AS rows FROM stock_transaction");
    return new LedgerCheck(client, seeded.rows[0]?.rows ?? 0);
  }

  /** The position that was taken last, whether or not its group has been written. */
  async readPosition(): Promise<bigint> {
    const { rows } = await this.#client.query<{ position: string }>(
      "SELECT last_value AS position FROM stock_transaction_position",
    );
    return BigInt(rows[0]?.position ?? 0);
  }

  /** @returns how many stock transactions the groups with positions in the range wrote on average; null where none did */
  async groupSize(after: bigint, upTo: bigint): Promise<number | null> {
    const { rows } = await this.#client.query<{ size: number | null }>(
      `SELECT count(*)::float / nullif(count(DISTINCT position / ${positionsPerGroup}), 0) AS size
       FROM stock_transaction WHERE position > $1 AND position < $2`,
      [after + BigInt(positionsPerGroup) - 1n, upTo + BigInt(positionsPerGroup)],
    );
    return rows[0]?.size ?? null;
  }

  /**
   * Holds the tables against what the clients were told, once the server has stopped.
   * @param answers how many stock transactions were acknowledged
   * @param inFlightMax how many more may have been written without anybody having been told
   * @throws Error when a stock transaction was lost or made up, or a level is not what its history says
   */
  async verify(answers: number, inFlightMax: number): Promise<void> {
    const { rows } = await this.#client.query<{ written: number; different: number }>(`
      WITH history AS (
        SELECT product_id, count(*)::int AS version,
               sum(CASE action WHEN 'ALLOCATE' THEN 0 WHEN 'DEALLOCATE' THEN 0 WHEN 'DECREMENT' THEN -quantity ELSE quantity END) AS total,
               sum(CASE action WHEN 'ALLOCATE' THEN quantity WHEN 'DEALLOCATE' THEN -quantity ELSE 0 END) AS allocated
        FROM stock_transaction
        GROUP BY product_id
      )
      SELECT (SELECT sum(version)::int FROM history) AS written, count(*)::int AS different
      FROM stock
      FULL JOIN history USING (product_id)
      LEFT JOIN stock_transaction AS latest ON latest.product_id = stock.product_id AND latest.version = stock.version
      WHERE (stock.version, stock.available + stock.allocated, stock.allocated, stock.available, stock.allocated)
            IS DISTINCT FROM (history.version, history.total, history.allocated, latest.available_after, latest.allocated_after)`);
    const [found] = rows;
    if (found === undefined) throw new Error("The ledger could not be counted");
    if (found.different > 0)
      throw new Error(`The stock of ${found.different} products is not what their histories say`);
    const unannounced = found.written - this.#seededRows - answers;
    if (unannounced < 0) throw new Error(`${-unannounced} acknowledged stock transactions are not in the ledger`);
    if (unannounced > inFlightMax)
      throw new Error(`${unannounced} stock transactions are in the ledger that nobody was told of`);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
