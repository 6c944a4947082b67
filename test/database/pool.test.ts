import { expect, test } from "@jest/globals";
import { openProxiedPool } from "../support/proxied-pool.ts";

// What nobody handles ends a process, and here the test.
test("a connection that is lost while it is verified fails who asked for it, not the process, and the next one is lent", async () => {
  const proxied = await openProxiedPool();
  const { pool, proxy } = proxied;
  try {
    const lost = proxy.dropAnswerTo("SHOW transaction_read_only");
    await expect(pool.query("SELECT 1")).rejects.toThrow("Connection terminated unexpectedly");
    await lost;
    expect((await pool.query<{ one: number }>("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  } finally {
    await proxied.close();
  }
});
