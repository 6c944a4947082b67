import { Client } from "pg";
import { LedgerAudit } from "../src/database/ledger-audit.ts";

/** Positions are taken in runs of so many, one run a group: see prisma/migrations. */
const positionsPerGroup = 10_000;

/** Looks from outside at what a server wrote into a seeded database. */
export class LedgerCheck {
  readonly #client: Client;
  readonly #audit: LedgerAudit;
  readonly #seededRows: number;

  private constructor(client: Client, audit: LedgerAudit, seededRows: number) {
    this.#client = client;
    this.#audit = audit;
    this.#seededRows = seededRows;
  }

  static async open(url: string): Promise<LedgerCheck> {
    const client = new Client({ connectionString: url });
    // A lost connection also rejects the query that runs; without a listener it would end the process.
    client.on("error", () => undefined);
    await client.connect();
    const seeded = await client.query<{ rows: number }>("SELECT count(*)::int AS rows FROM stock_transaction");
    // The usual resolver takes its positions before it holds a lock.
    const audit = await LedgerAudit.open(url, { checksOrder: false });
    return new LedgerCheck(client, audit, seeded.rows[0]?.rows ?? 0);
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
    let written = 0;
    for await (const { transactions, faults } of this.#audit.parts()) {
      written += transactions;
      if (faults[0] !== undefined) throw new Error(`${faults[0].productId}: ${faults[0].fault}`);
    }
    const unannounced = written - this.#seededRows - answers;
    if (unannounced < 0) throw new Error(`${-unannounced} acknowledged stock transactions are not in the ledger`);
    if (unannounced > inFlightMax)
      throw new Error(`${unannounced} stock transactions are in the ledger that nobody was told of`);
  }

  async close(): Promise<void> {
    await this.#client.end();
    await this.#audit.close();
  }
}
