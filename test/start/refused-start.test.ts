import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { findFreePort, postmasterOf, query, Premises } from "./support.ts";
import type { Run, Settings } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

/** Starts a gateway that can't serve. @returns what it says of that, once it has ended as it should */
async function refusalOf(settings: Settings): Promise<string> {
  const dataDir = settings["DATA_DIR"] ?? (await premises.createFolder());
  const run = premises.start({ ...settings, DATA_DIR: dataDir });
  await expectRefusal(run);
  expect(postmasterOf(dataDir)).toBeNull();
  return run.stderr;
}

async function expectRefusal(run: Run): Promise<void> {
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stdout).toBe("");
  expect(run.stderr).not.toMatch(/^\s+at |hunter2/m);
}

describe("a start that can't succeed ends with 1, leaves no server behind and says in a line", () => {
  test("that the port is taken, before anything is made", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const dataDir = await premises.createFolder();
    expect(await refusalOf({ DATA_DIR: dataDir, PORT: String(port) })).toBe(
      `inventory-gateway: PORT: ${port} is taken on 127.0.0.1 by another program\n`,
    );
    expect(await readdir(dataDir)).toEqual([]);
    server.close();
  });

  test("that the address is none of this machine", async () => {
    expect(await refusalOf({ HOST: "192.0.2.1" })).toBe(
      "inventory-gateway: HOST: 192.0.2.1 is no address of this machine\n",
    );
  });

  test("that nothing answers at DATABASE_URL", async () => {
    const port = await findFreePort();
    expect(await refusalOf({ DATABASE_URL: `postgresql://user:hunter2@127.0.0.1:${port}/stock` })).toBe(
      `inventory-gateway: DATABASE_URL: the database can't be reached: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    );
  });

  test("that the database takes no writes, as a standby", async () => {
    const url = await premises.createDatabase();
    await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`);
    expect(await refusalOf({ DATABASE_URL: url })).toBe(
      "inventory-gateway: DATABASE_URL: this PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on\n",
    );
  });

  test("that the password, the database or the URL's parameters are wrong", async () => {
    const url = await premises.createDatabase();
    const wrong = new URL(url);
    wrong.password = "hunter2";
    expect(await refusalOf({ DATABASE_URL: wrong.href })).toBe(
      `inventory-gateway: DATABASE_URL: the database can't be reached: password authentication failed for user "postgres"\n`,
    );
    const missing = new URL(url);
    missing.pathname = "nowhere";
    expect(await refusalOf({ DATABASE_URL: missing.href })).toBe(
      `inventory-gateway: DATABASE_URL: the database can't be reached: database "nowhere" does not exist\n`,
    );
    expect(await refusalOf({ DATABASE_URL: `${wrong.href}?sslrootcert=/no/such/file` })).toBe(
      "inventory-gateway: DATABASE_URL can't be used: ENOENT: no such file or directory, open '/no/such/file'\n",
    );
  });

  test("that the database's user may not make tables", async () => {
    const url = await premises.createDatabase({ migrated: false });
    const user = `weak_${new URL(url).pathname.slice(1)}`;
    await query(url, `CREATE ROLE ${user} LOGIN PASSWORD 'hunter2'`);
    const weak = Object.assign(new URL(url), { username: user, password: "hunter2" });
    expect(await refusalOf({ DATABASE_URL: weak.href, UNSAFE_DATABASE: "allow" })).toBe(
      "inventory-gateway: DATABASE_URL: The database's schema could not be brought up to date: ERROR: permission denied for schema public\n",
    );
    await query(url, `DROP ROLE ${user}`);
  });

  test("of every setting that is wrong, not only of the first", async () => {
    const settings = {
      PORT: "hunter2",
      LANES: "0",
      DATABASE_URL: "mysql://root:hunter2@host/stock",
      ADMIN_CLIENT_ID: "ops",
    };
    expect(await refusalOf(settings)).toBe(
      [
        "inventory-gateway: PORT has to be a whole number, 0 to 65535",
        "DATABASE_URL has to be an address that begins with postgres:// or postgresql://",
        "ADMIN_CLIENT_SECRET is missing: ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET go together",
        "LANES has to be a whole number, 1 to 32",
        "",
      ].join("\n"),
    );
  });

  test("that ADMIN_CLIENT_ID names a client that was revoked", async () => {
    const url = await premises.createDatabase();
    await query(
      url,
      "INSERT INTO api_client (id, name, secret_hash, scopes, implicit, created_at, revoked_at) VALUES ('ops', 'Ops', 'x', '{inventory:read}', false, now(), now())",
    );
    const settings = {
      DATABASE_URL: url,
      UNSAFE_DATABASE: "allow",
      ADMIN_CLIENT_ID: "ops",
      ADMIN_CLIENT_SECRET: "hunter2-hunter2-hunter2",
    };
    expect(await refusalOf(settings)).toBe(
      "inventory-gateway: ADMIN_CLIENT_ID names the client ops, which was revoked\n",
    );
  });

  test("that DATA_DIR can't be made, where making it would never end", async () => {
    expect(await refusalOf({ DATA_DIR: "/proc/nothing/there" })).toMatch(
      /^inventory-gateway: DATA_DIR: \/proc\/nothing\/there can't be written: [^\n]+\n$/,
    );
  });

  test("that DATA_DIR is a file, or holds something else", async () => {
    const folder = await premises.createFolder();
    const file = join(folder, "file");
    await writeFile(file, "");
    expect(await refusalOf({ DATA_DIR: file })).toBe(
      `inventory-gateway: DATA_DIR: ${file} can't be written: EEXIST: file already exists, mkdir '${file}'\n`,
    );
    const url = await premises.createDatabase();
    expect(await refusalOf({ DATA_DIR: file, DATABASE_URL: url, UNSAFE_DATABASE: "allow" })).toBe(
      `inventory-gateway: DATA_DIR: the first client's secret can't be kept in ${file}: EEXIST: file already exists, mkdir '${file}'; ` +
        "give another, or set ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET\n",
    );
    await mkdir(join(folder, "postgres"));
    await writeFile(join(folder, "postgres/notes.txt"), "");
    expect(await refusalOf({ DATA_DIR: folder })).toBe(
      `inventory-gateway: DATA_DIR: ${join(folder, "postgres")} is not empty and not a PostgreSQL database\n`,
    );
  });

  test("that the embedded server can't run, and what it said itself", async () => {
    const folder = await premises.createFolder();
    await mkdir(join(folder, "postgres"));
    await writeFile(join(folder, "postgres/PG_VERSION"), "9.6\n");
    await writeFile(join(folder, "postgres/gateway.password"), "hunter2\n");
    const said = await refusalOf({ DATA_DIR: folder });
    expect(said).toContain(
      `inventory-gateway: DATA_DIR: the embedded PostgreSQL can't run on ${join(folder, "postgres")}`,
    );
    expect(said).toContain("give another DATA_DIR, or set DATABASE_URL");
    expect(said).toContain("postgres.log");
  });
});

describe("the command line", () => {
  test.each([
    [["sell"], "error: unknown command 'sell'\n"],
    [["start", "--port", "1"], "error: unknown option '--port'\n"],
    // As the gateways are started that are broken on purpose.
    [["start", "key-before-lock"], "error: too many arguments for 'start'. Expected 0 arguments but got 1.\n"],
    [["client", "add"], "error: required option '--name <name>' not specified\n"],
    [
      ["client", "add", "--name", "Till", "--scope", "inventory:steal"],
      "inventory-gateway: scope has to be among inventory:read, inventory:write\n",
    ],
  ])("refuses %j with 1 and one line", async (args, line) => {
    const dataDir = await premises.createFolder();
    const run = premises.run(args, { DATA_DIR: dataDir });
    await expectRefusal(run);
    expect(run.stderr).toBe(line);
    expect(await readdir(dataDir)).toEqual([]);
  });

  // As in a shell on a machine where only the unit of systemd knows the database.
  test.each([
    [2, ["verify"]],
    [2, ["export", "stock"]],
    [2, ["import", "stock.csv"]],
    [1, ["keys", "list"]],
    [1, ["keys", "rotate", "--forget-old"]],
    [1, ["client", "list"]],
    [1, ["client", "revoke", "admin"]],
    [1, ["client", "add", "--name", "Till"]],
  ])("without DATABASE_URL and a database in DATA_DIR ends with %d and makes none: %j", async (code, args) => {
    const folder = await premises.createFolder();
    for (const dataDir of [folder, join(folder, "none")]) {
      const run = premises.run(args, { DATA_DIR: dataDir });
      expect(await run.ended).toEqual({ code, signal: null });
      expect(run.stdout).toBe("");
      expect(run.stderr).toBe(
        `inventory-gateway: DATABASE_URL is not set, and there is no database in DATA_DIR (${dataDir}): ` +
          "set DATABASE_URL or DATABASE_URL_FILE as it is for the gateway, or make a database by start or migrate\n",
      );
    }
    expect(await readdir(folder)).toEqual([]);
  });
});
