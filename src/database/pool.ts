import { Pool } from "pg";
import type { ClientBase, PoolClient } from "pg";
import { giveUpConnection } from "./connection.ts";
import { pipelineTransactions } from "./pipelining.ts";
import { sessionOf } from "./session.ts";
import type { SessionOptions } from "./session.ts";

export interface PoolOptions extends SessionOptions {
  /** The most connections. */
  readonly poolSize: number;
  /** Whether a server will do that takes no writes. */
  readonly readsOnly?: boolean;
}

/**
 * A pool of sessions whose every wait is bounded, each with a server that takes writes unless it only reads. What a failover leaves behind is
 * thrown away rather than lent again.
 */
export function createPool(databaseUrl: string, { poolSize, readsOnly = false, ...options }: PoolOptions): Pool {
  const session = sessionOf(databaseUrl, options);
  const verify = readsOnly ? {} : { verify: refuseReadOnly };
  const pool = new Pool({ ...session, pipeline: true, max: poolSize, ...verify });
  pool.on("connect", (client) => {
    // A lost connection fails the statement that runs. Where nobody listens, as while a new one is verified, it would end the process.
    client.on("error", () => undefined);
    failWhereNotReplicated(client);
    pipelineTransactions(client);
  });
  pool.on("release", (_error: unknown, client: PoolClient) => {
    // A statement still runs, whose answer nobody waits for any more: COMMIT waits for a standby, or the server is gone
    // without a word. Lent again, the session would keep the next one waiting for as long.
    if (client.getTransactionStatus() !== "I") void client.end().catch(() => undefined);
  });
  return pool;
}

/** An address may lead to a standby while servers change places: to be known before anything is asked of it. */
function refuseReadOnly(client: PoolClient, done: (error?: Error) => void): void {
  client.query<{ transaction_read_only: string }>("SHOW transaction_read_only", (error, result) => {
    // Where it failed there is no result, whatever the types say.
    if (error instanceof Error) done(error);
    else if (result.rows[0]?.transaction_read_only === "off") done();
    else done(new Error("The database server takes no writes now"));
  });
}

/**
 * A COMMIT that is cancelled while it waits for a synchronous standby answers with success, and a warning: it is on the
 * primary alone, and gone should a standby take over. Such a statement is made to fail, as if the connection had been
 * lost: whether it holds is not known. The warning has no SQLSTATE of its own, so it is told by where it comes from.
 */
function failWhereNotReplicated(client: ClientBase): void {
  client.on("notice", ({ routine }) => {
    if (routine !== "SyncRepWaitForLSN") return;
    // The answer itself may already be read: only an error that comes before it fails the statement.
    giveUpConnection(client, "The wait for a synchronous standby was cancelled");
  });
}
