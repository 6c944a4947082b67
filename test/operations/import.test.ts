import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { InvalidInputError } from "../../src/inventory/errors.ts";
import { inspectStockFile } from "../../src/operations/stock-file.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { eventually, Premises } from "../start/support.ts";
import { Installation } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

const ledger = `SELECT product_id, version, action::text, quantity, available_after, reason::text, reference, note, actor, idempotency_key
                FROM stock_transaction ORDER BY position`;

function keyOf(contents: string, line: number): string {
  return `import-${createHash("sha256").update(contents).digest("hex").slice(0, 32)}-${line}`;
}

describe("import", () => {
  test("makes a stock transaction of each line, in the order of the file, as the client named, with a key of file and line", async () => {
    const installation = await Installation.create(premises);
    const contents = [
      "\uFEFFProduct_ID,quantity,Action,reason,reference,note,expected version,idempotencyKey",
      'shirt-m,10,increment,received,"PO 1, part ""a""","two\r\nlines",0,',
      "",
      "shirt-m,4,ALLOCATE,,,,,order-1",
      "hat,0,,,,,,",
    ].join("\r\n");
    const file = await installation.write("stock.csv", contents);
    expect(await installation.run("import", file)).toEqual({
      code: 0,
      stdout: "Applied 3, applied before 0, refused 0.\n",
      stderr: "",
    });
    const line = { reason: null, reference: null, note: null, actor: "admin" };
    expect(await installation.query(ledger)).toEqual([
      {
        ...line,
        product_id: "shirt-m",
        version: 1,
        action: "INCREMENT",
        quantity: 10,
        available_after: 10,
        reason: "RECEIVED",
        reference: 'PO 1, part "a"',
        note: "two\r\nlines",
        idempotency_key: keyOf(contents, 3),
      },
      {
        ...line,
        product_id: "shirt-m",
        version: 2,
        action: "ALLOCATE",
        quantity: 4,
        available_after: 6,
        idempotency_key: "order-1",
      },
      {
        ...line,
        product_id: "hat",
        version: 1,
        action: "CREATE",
        quantity: 0,
        available_after: 0,
        idempotency_key: keyOf(contents, 6),
      },
    ]);
    expect(await readdir(installation.folder)).toEqual(["stock.csv"]);
  });

  test("does no line twice and leaves none out, however often it is killed or interrupted", async () => {
    const installation = await Installation.create(premises);
    const lines = Array.from({ length: 9_000 }, (_, index) => `p${index % 700},INCREMENT,1`);
    const file = await installation.write("stock.csv", ["productId,action,quantity", ...lines].join("\n"));
    const count = async (): Promise<unknown> =>
      (await installation.query("SELECT count(*)::int AS count FROM stock_transaction"))[0]?.["count"];
    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      const before = await count();
      const run = premises.run(["import", file], installation.settings);
      await eventually("a first group", async () => run.hasEnded || (await count()) !== before);
      await run.stop(signal);
      if (signal === "SIGKILL") continue;
      expect(run.stderr).toMatch(/^Interrupted, \d+ lines are left: the same command goes on with them\.\n$/);
      expect(await run.ended).toEqual({ code: 2, signal: null });
    }
    const last = await installation.run("import", file);
    const [, applied, before] = /^Applied (\d+), applied before (\d+), refused 0\.\n$/.exec(last.stdout) ?? [];
    expect({ code: last.code, lines: Number(applied) + Number(before) }).toEqual({ code: 0, lines: 9_000 });
    expect(Number(before)).toBeGreaterThan(0);
    expect(await count()).toBe(9_000);
    expect(await auditLedger(installation.databaseUrl)).toEqual([]);
  });

  test("reports the lines that it refuses, applies the others, and takes the report back when it is corrected", async () => {
    const installation = await Installation.create(premises);
    const file = await installation.write(
      "stock.csv",
      [
        "productId;quantity;note",
        "hat;5;",
        'hat;6;"has ; and ""quotes"""',
        ";1;",
        "cap;1e3;",
        "cap;-1;",
        "cap;2147483648;",
        "cap",
        " cap;1;",
        "cap;7;",
      ].join("\n"),
    );
    const report = installation.path("stock.refused.csv");
    expect(await installation.run("import", file, "--delimiter", ";")).toEqual({
      code: 1,
      stdout: `Applied 2, applied before 0, refused 7.\nThe refused lines are in ${report}, each with its reason.\n`,
      stderr: "",
    });
    const quantity = "quantity has to be an integer from 0 to 2147483647";
    const refused = [
      "refusedLine;refusedCode;refusedBecause;productId;quantity;note",
      '3;STOCK_ALREADY_EXISTS;The product has stock already;hat;6;"has ; and ""quotes"""',
      "4;BAD_USER_INPUT;productId is empty;;1;",
      `5;BAD_USER_INPUT;${quantity};cap;1e3;`,
      `6;BAD_USER_INPUT;${quantity};cap;-1;`,
      `7;BAD_USER_INPUT;${quantity};cap;2147483648;`,
      "8;BAD_USER_INPUT;it has 1 fields, and the first line has 3;cap",
      "9;BAD_USER_INPUT;productId begins or ends with a space; cap;1;",
      "",
    ];
    expect(await readFile(report, "utf8")).toBe(refused.join("\r\n"));

    const corrected = [refused[0], "4;BAD_USER_INPUT;productId is empty;tie;1;", "5;;;cap;1;"].join("\n");
    await installation.write("again.csv", corrected);
    const again = await installation.run(
      "import",
      installation.path("again.csv"),
      "--delimiter",
      ";",
      "--action",
      "INCREMENT",
    );
    expect(again).toEqual({ code: 0, stdout: "Applied 2, applied before 0, refused 0.\n", stderr: "" });
    expect(await installation.query("SELECT product_id, available FROM stock ORDER BY 1")).toEqual([
      { product_id: "cap", available: 8 },
      { product_id: "hat", available: 5 },
      { product_id: "tie", available: 1 },
    ]);
  });

  test("does nothing of a file whose last lines can't be told apart, as a client that is none or may not write, or without a file", async () => {
    const installation = await Installation.create(premises);
    const good = await installation.write("good.csv", "productId,quantity\nhat,1\n");
    const bad = await installation.write("bad.csv", 'productId,quantity\nhat,1\n"cap,1\n');
    const refusals = [
      [[bad], `${bad}, line 3: the file ends in a text whose quote is not closed`],
      [[good, "--client", "nobody"], "there is no active client nobody: client add makes one, --client names another"],
      [[good, "--client", "reader"], "the client reader has not the scope inventory:write"],
      [["missing.csv"], "ENOENT: no such file or directory, open 'missing.csv'"],
    ] as const;
    for (const [args, message] of refusals)
      expect(await installation.run("import", ...args)).toEqual({
        code: 2,
        stdout: "",
        stderr: `inventory-gateway: ${message}\n`,
      });
    expect(await installation.query("SELECT FROM stock_transaction")).toEqual([]);
    expect(await readdir(installation.folder)).toEqual(["bad.csv", "good.csv"]);
  });

  test("never takes the file itself for its report", async () => {
    const installation = await Installation.create(premises);
    const file = await installation.write("stock.csv", "productId,quantity\nhat,-1\n");
    expect(await installation.run("import", file, "--report", file)).toEqual({
      code: 2,
      stdout: "",
      stderr: "inventory-gateway: the refused lines can't take the place of the file\n",
    });
    expect(await readFile(file, "utf8")).toBe("productId,quantity\nhat,-1\n");
  });
});

describe("a file is refused as a whole", () => {
  test.each([
    ["for text that is not UTF-8", Buffer.from("productId,quantity\nh\xfct,1\n", "latin1"), "FILE is not UTF-8"],
    ["for text that ends within a character", Buffer.from("productId,quantity\nh\xc3", "latin1"), "FILE is not UTF-8"],
    [
      "for a quote in the middle of a text",
      'productId,quantity\nhat,1\nca"p,1\n',
      'FILE, line 3: quotes are wrong: a text with a quote in it has to stand in quotes, with "" for each of its own',
    ],
    [
      "for a line without an end",
      `productId,quantity\nhat,1\n${"x".repeat(70_000)}`,
      "FILE, line 3: it is longer than 65536 bytes; is a quote not closed?",
    ],
    [
      "for a column that nothing is known of",
      "productId,amount\nhat,1\n",
      'the first line has to name columns among productId, action, quantity, idempotencyKey, expectedVersion, reason, reference, note, and names "amount"',
    ],
    ["for no quantity", "productId,note\nhat,1\n", "the first line names no column quantity"],
    [
      "for a column twice",
      "productId,quantity,product_id\nhat,1,cap\n",
      "the first line names the column productId twice",
    ],
    ["for having no first line", "", "FILE is empty"],
  ])("%s", async (_name, contents, message) => {
    const path = join(await premises.createFolder(), "stock.csv");
    await writeFile(path, contents);
    await expect(inspectStockFile(path, ",")).rejects.toThrow(
      new InvalidInputError("file", message.replace("FILE", path)),
    );
  });
});
