import { mkdir, readFile, readdir } from "node:fs/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Premises } from "../start/support.ts";
import { Installation } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

const at = "2026-01-02T03:04:05.678Z";

/** Stock and ledger of so many products, with one stock transaction each; ids in the order of their numbers. */
async function seed(installation: Installation, products: number): Promise<void> {
  await installation.query(
    `INSERT INTO stock SELECT 'p' || lpad(n::text, 6, '0'), n, 0, 1, true, '${at}', '${at}' FROM generate_series(1, ${products}) AS n`,
  );
  await installation.query(
    `INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
     SELECT 'p' || lpad(n::text, 6, '0'), 1, gen_random_uuid(), 'INCREMENT', n, n, 0, 'admin', '${at}', n FROM generate_series(1, ${products}) AS n`,
  );
}

const hardTexts = `UPDATE stock_transaction SET reference = '=1+1', note = E'a "b",\\r\\nc', idempotency_key = '-k', id = '01890000-0000-7000-8000-000000000001'`;

describe("export", () => {
  test("writes the ledger as CSV as RFC 4180 has it, with texts that a spreadsheet would run made harmless", async () => {
    const installation = await Installation.create(premises);
    await seed(installation, 1);
    await installation.query(hardTexts);
    const header =
      "id,productId,version,action,quantity,availableAfter,allocatedAfter,reason,reference,note,actor,idempotencyKey,createdAt";
    const row = (reference: string, key: string): string =>
      `01890000-0000-7000-8000-000000000001,p000001,1,INCREMENT,1,1,0,,${reference},"a ""b"",\r\nc",admin,${key},${at}`;
    expect(await installation.run("export", "ledger")).toEqual({
      code: 0,
      stdout: `${header}\r\n${row("'=1+1", "'-k")}\r\n`,
      stderr: "",
    });
    expect((await installation.run("export", "ledger", "--raw")).stdout).toBe(`${header}\r\n${row("=1+1", "-k")}\r\n`);
  });

  test("writes each row once and in order, however many pages there are, to a file that appears when it is complete", async () => {
    const installation = await Installation.create(premises);
    await seed(installation, 12_345);
    const stock = installation.path("stock.jsonl");
    const ledger = installation.path("ledger.csv");
    const done = { code: 0, stdout: "", stderr: "" };
    expect(await installation.run("export", "stock", "--format", "jsonl", "--output", stock)).toEqual(done);
    expect(await installation.run("export", "ledger", "--output", ledger)).toEqual(done);
    expect(await readdir(installation.folder)).toEqual(["ledger.csv", "stock.jsonl"]);
    const numbers = Array.from({ length: 12_345 }, (_, index) => index + 1);
    const lines = (await readFile(stock, "utf8")).split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
      numbers.map((n) => ({
        productId: `p${String(n).padStart(6, "0")}`,
        available: n,
        allocated: 0,
        total: n,
        version: 1,
        createdAt: at,
        updatedAt: at,
      })),
    );
    const rows = (await readFile(ledger, "utf8")).split("\r\n").slice(1, -1);
    expect(rows.map((row) => row.split(",")[1])).toEqual(numbers.map((n) => `p${String(n).padStart(6, "0")}`));
  });

  test("needs no more memory for more rows: of 200 000 a heap of 64 MiB holds but a part", async () => {
    const installation = await Installation.create(premises);
    await seed(installation, 200_000);
    const small = { ...installation.settings, NODE_OPTIONS: "--max-old-space-size=64" };
    const file = installation.path("ledger.csv");
    const run = premises.run(["export", "ledger", "--output", file], small);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect((await readFile(file, "latin1")).split("\n")).toHaveLength(200_002);
  });

  test("writes what was created in a span of time", async () => {
    const installation = await Installation.create(premises);
    await seed(installation, 3);
    await installation.query(
      "UPDATE stock_transaction SET created_at = created_at + interval '1 day' * position, note = 'night'",
    );
    const span = ["--since", "2026-01-04T00:00:00Z", "--until", "2026-01-05"];
    const { stdout } = await installation.run("export", "ledger", "--format", "jsonl", ...span);
    expect(JSON.parse(stdout)).toMatchObject({
      productId: "p000002",
      note: "night",
      createdAt: "2026-01-04T03:04:05.678Z",
    });
  });

  test("writes a header alone where there is nothing", async () => {
    const installation = await Installation.create(premises);
    expect(await installation.run("export", "stock")).toEqual({
      code: 0,
      stdout: "productId,available,allocated,total,version,createdAt,updatedAt\r\n",
      stderr: "",
    });
  });

  test("ends quietly when nobody reads on, and says what it can't write to", async () => {
    const installation = await Installation.create(premises);
    await seed(installation, 20_000);
    const piped = premises.spawn(
      "sh",
      ["-c", '("$0" dist/main.js export stock; echo "ended with $?" >&2) | head -n 1', process.execPath],
      installation.settings,
    );
    await piped.ended;
    expect({ stdout: piped.stdout, stderr: piped.stderr }).toEqual({
      stdout: "productId,available,allocated,total,version,createdAt,updatedAt\r\n",
      stderr: "ended with 0\n",
    });
    await mkdir(installation.path("folder"));
    expect(await installation.run("export", "stock", "--output", installation.path("none/stock.csv"))).toEqual({
      code: 2,
      stdout: "",
      stderr: `inventory-gateway: ENOENT: no such file or directory, open '${installation.path("none/stock.csv.part")}'\n`,
    });
    expect((await installation.run("export", "stock", "--since", "2026-01-01")).code).toBe(2);
    expect((await installation.run("export", "everything")).code).toBe(2);
    expect(await readdir(installation.folder)).toEqual(["folder"]);
  });
});
