import { readFileSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Shop } from "../support/shop.ts";
import { eventually, openShop, query, requestToken, Premises } from "./support.ts";

const premises = new Premises();
const createEmptyDatabase = (): Promise<string> => premises.createDatabase({ migrated: false });

afterEach(() => premises.clear());

/** The run's own server has fsync off. */
const unsafe = { UNSAFE_DATABASE: "allow", LOG_LEVEL: "warn" };

describe("with DATABASE_URL set", () => {
  test("serves from that PostgreSQL, and starts none", async () => {
    const dataDir = await premises.createFolder();
    const databaseUrl = await createEmptyDatabase();
    const run = premises.start({ ...unsafe, DATA_DIR: dataDir, DATABASE_URL: databaseUrl });
    const shop = await openShop(await run.serving(), dataDir);
    const { moved } = await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3 });
    expect(await query(databaseUrl, "SELECT id, product_id, actor FROM stock_transaction")).toEqual([
      { id: moved?.id, product_id: "hat", actor: "admin" },
    ]);
    expect(await readdir(dataDir)).toEqual(["admin-client.secret"]);
    expect(await run.stop()).toBe(0);
  });

  test("refuses one that can lose what it acknowledged, and says which settings are at fault and how to go on", async () => {
    const dataDir = await premises.createFolder();
    const databaseUrl = await createEmptyDatabase();
    const run = premises.start({ DATA_DIR: dataDir, DATABASE_URL: databaseUrl });
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toBe(
      "inventory-gateway: DATABASE_URL: this PostgreSQL can lose what it acknowledged: fsync, full_page_writes, synchronous_commit off. " +
        "Turn that on, or set UNSAFE_DATABASE=allow\n",
    );
    expect(await query(databaseUrl, "SELECT to_regclass('stock') AS stock")).toEqual([{ stock: null }]);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test("drops idempotency keys that are old enough while it serves, and no others", async () => {
    const databaseUrl = await premises.createDatabase();
    await query(
      databaseUrl,
      `INSERT INTO spent_key (client_id, idempotency_key, fingerprint, command_id, product_id, refusal, created_at)
       SELECT 'till', age, '', gen_random_uuid(), 'hat', '{}', now() - age::interval FROM unnest(ARRAY['23 hours', '25 hours', '1 year']) AS age`,
    );
    const settings = { ...unsafe, DATABASE_URL: databaseUrl, DATA_DIR: await premises.createFolder() };
    const run = premises.start({ ...settings, KEY_RETENTION_HOURS: "24" });
    await run.serving();
    await eventually("the end of the old ones", async () => {
      const left = await query(databaseUrl, "SELECT idempotency_key FROM spent_key ORDER BY 1");
      return JSON.stringify(left) === '[{"idempotency_key":"23 hours"}]';
    });
    expect(await run.stop()).toBe(0);
  });

  test("makes the client that the settings name and none else, and gives it a new secret at another start", async () => {
    const databaseUrl = await createEmptyDatabase();
    const dataDir = await premises.createFolder();
    const secrets = ["first-secret-0123456789", "second-secret-0123456789"] as const;
    const settings = {
      ...unsafe,
      LOG_LEVEL: "trace",
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      ADMIN_CLIENT_ID: "ops",
    };
    for (const [index, secret] of secrets.entries()) {
      const run = premises.start({ ...settings, ADMIN_CLIENT_SECRET: secret });
      const url = await run.serving();
      const { status, token } = await requestToken(url, "ops", secret);
      expect(status).toBe(200);
      expect(
        (await new Shop(url, token).move({ productId: "hat", action: "INCREMENT", quantity: 3 })).moved?.version,
      ).toBe(index + 1);
      expect((await requestToken(url, "ops", secrets[1 - index] ?? "")).status).toBe(401);
      expect(readFileSync(`/proc/${run.pid}/cmdline`, "utf8")).not.toContain(secret);
      expect(await run.stop()).toBe(0);
      expect(run.stdout).toContain("  Client    ops   (ADMIN_CLIENT_ID)\n  Secret    ADMIN_CLIENT_SECRET\n");
      expect(run.stdout + run.stderr).not.toContain(secret);
    }
    expect(await query(databaseUrl, "SELECT id, name, scopes, implicit FROM api_client")).toEqual([
      { id: "ops", name: "First administrator", scopes: ["inventory:read", "inventory:write"], implicit: false },
    ]);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test("five gateways that start at once on an empty one all serve, with one client and one signing key", async () => {
    const databaseUrl = await createEmptyDatabase();
    const dataDir = await premises.createFolder();
    const settings = { ...unsafe, DATA_DIR: dataDir, DATABASE_URL: databaseUrl };
    const runs = Array.from({ length: 5 }, () => premises.start(settings));
    const urls = await Promise.all(runs.map((run) => run.serving()));
    expect(new Set(urls).size).toBe(5);
    const shop = await openShop(urls[0] ?? "", dataDir);
    const { moved } = await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3 });
    expect(moved).toMatchObject({ version: 1, availableAfter: 3 });
    for (const url of urls) {
      const other = await openShop(url, dataDir);
      expect(await other.levels("hat")).toEqual({ available: 3, allocated: 0, version: 1 });
    }
    expect(await query(databaseUrl, "SELECT id FROM api_client")).toEqual([{ id: "admin" }]);
    expect(await query(databaseUrl, "SELECT count(*)::int AS count FROM signing_key")).toEqual([{ count: 1 }]);
    expect(await readdir(dataDir)).toEqual(["admin-client.secret"]);
    const secret = await readFile(join(dataDir, "admin-client.secret"), "utf8");
    expect(runs.filter((run) => run.stdout.includes(secret))).toHaveLength(1);
    expect(await Promise.all(runs.map((run) => run.stop()))).toEqual([0, 0, 0, 0, 0]);
    expect(runs.map((run) => run.stderr).join("")).toBe("");
  });

  test("neither replaces the secret of another database's client in the same folder, nor takes it for its own", async () => {
    const dataDir = await premises.createFolder();
    const secretFile = join(dataDir, "admin-client.secret");
    const shown: string[] = [];
    const databaseUrls = [await createEmptyDatabase(), await createEmptyDatabase()] as const;
    for (const databaseUrl of databaseUrls) {
      const run = premises.start({ ...unsafe, DATA_DIR: dataDir, DATABASE_URL: databaseUrl });
      const url = await run.serving();
      const [, secret = "", file = ""] = /^ {2}Secret +(\S+) +\(kept in (.+)\)$/m.exec(run.stdout) ?? [];
      expect(await readFile(file, "utf8")).toBe(secret);
      expect((await requestToken(url, "admin", secret)).status).toBe(200);
      shown.push(file);
      await run.stop();
    }
    expect(shown[0]).toBe(secretFile);
    expect(shown[1]).toMatch(/admin-client\.secret\.[0-9a-f]{12}$/);

    const [, second] = databaseUrls;
    const again = premises.start({ ...unsafe, DATA_DIR: dataDir, DATABASE_URL: second });
    await again.serving();
    expect(again.stdout).toContain(`  Secret    kept in ${shown[1]}\n`);
    const elsewhere = premises.start({ ...unsafe, DATA_DIR: await premises.createFolder(), DATABASE_URL: second });
    await elsewhere.serving();
    expect(elsewhere.stdout).toContain("  Client    made before, and its secret is not kept here");
  });
});

describe("migrate", () => {
  test("makes the tables of an empty database, once", async () => {
    const settings = { DATABASE_URL: await createEmptyDatabase(), DATA_DIR: await premises.createFolder() };
    const migrations = await readdir(new URL("../../prisma/migrations/", import.meta.url), { withFileTypes: true });
    const names = migrations.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    for (const said of [`Applied: ${names.toSorted().join(", ")}\n`, "Up to date.\n"]) {
      const run = premises.run(["migrate"], settings);
      expect(await run.ended).toEqual({ code: 0, signal: null });
      expect({ stdout: run.stdout, stderr: run.stderr }).toEqual({ stdout: said, stderr: "" });
    }
    expect(await readdir(settings.DATA_DIR)).toEqual([]);
  });
});
