import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { embeddedUrlOf, postmasterOf, query, Premises } from "./support.ts";

const premises = new Premises();

afterAll(() => premises.clear());

test("an embedded server that may lose what it acknowledged, or whose tables lost a constraint, is refused by the name of DATA_DIR", async () => {
  const dataDir = await premises.createFolder();
  const settings = { DATA_DIR: dataDir, LOG_LEVEL: "warn" };
  const refusal = async (): Promise<string> => {
    const run = premises.start(settings);
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(postmasterOf(dataDir)).toBeNull();
    return run.stderr;
  };

  const first = premises.start(settings);
  await first.serving();
  await query(await embeddedUrlOf(dataDir), "ALTER TABLE stock DROP CONSTRAINT stock_available_check");
  expect(await first.stop()).toBe(0);
  expect(await refusal()).toBe(
    "inventory-gateway: DATA_DIR: the tables don't keep their own rules: stock_available_check is missing. " +
      "Make the constraint again as prisma/migrations has it, or set UNSAFE_DATABASE=allow\n",
  );

  const file = join(dataDir, "postgres/postgresql.auto.conf");
  for (const name of ["fsync", "full_page_writes", "synchronous_commit"]) {
    await writeFile(file, `${name} = off\n`);
    expect(await refusal()).toBe(
      `inventory-gateway: DATA_DIR: this PostgreSQL can lose what it acknowledged: ${name} off. ` +
        "Turn that on, or set UNSAFE_DATABASE=allow\n",
    );
  }

  for (const commit of ["local", "remote_write"]) {
    await writeFile(file, `synchronous_standby_names = 'other'\nsynchronous_commit = ${commit}\n`);
    expect(await refusal()).toBe(
      `inventory-gateway: DATA_DIR: a failover of this PostgreSQL can lose what it acknowledged: synchronous_commit is ${commit}, ` +
        "and does not wait for the synchronous standby. Set it to on, or set UNSAFE_DATABASE=allow\n",
    );
  }

  const allowed = premises.start({ ...settings, UNSAFE_DATABASE: "allow" });
  await allowed.serving();
  expect(await allowed.stop()).toBe(0);
});
