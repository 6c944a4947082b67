import type { Pool } from "pg";
import { createPool } from "../../src/database/pool.ts";
import { createDatabase } from "./database.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** The gateway's own pool, of one connection, and the proxy between it and a database of its own. */
export interface ProxiedPool {
  readonly pool: Pool;
  readonly proxy: TcpProxy;
  close(): Promise<void>;
}

/** Makes one; it connects when it is first used. */
export async function openProxiedPool(): Promise<ProxiedPool> {
  const database = await createDatabase();
  const url = new URL(database.url);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = `${proxy.port}`;
  const pool = createPool(url.href, { poolSize: 1, name: "proxied pool" });
  return {
    pool,
    proxy,
    close: async () => {
      await pool.end();
      await proxy.close();
      await database.drop();
    },
  };
}
