import { Client } from "pg";

/**
 * Another gateway's group, in steps, as src/database/settled-position.ts says it has to go: it has its id and its position, and
 * nothing written.
 */
export class ForeignGroup {
  readonly #client: Client;
  readonly #position: string;

  private constructor(client: Client, position: string) {
    this.#client = client;
    this.#position = position;
  }

  static async begin(databaseUrl: string): Promise<ForeignGroup> {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query("BEGIN");
    await client.query("SELECT pg_current_xact_id()");
    const { rows } = await client.query("SELECT nextval('stock_transaction_position') AS position");
    return new ForeignGroup(client, rows[0].position);
  }

  /** Writes the first stock transaction of a product, up to before COMMIT. */
  async write(productId: string): Promise<void> {
    await this.#client.query("SAVEPOINT written");
    await this.#client.query(
      `INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
       VALUES ($1, 1, gen_random_uuid(), 'INCREMENT', 1, 1, 0, 'other gateway', now(), $2)`,
      [productId, this.#position],
    );
  }

  async end(how: "COMMIT" | "ROLLBACK"): Promise<void> {
    await this.#client.query(how);
    await this.#client.end();
  }
}
