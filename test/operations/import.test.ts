import { createHash } from "node:crypto";
import { readFile, readdir, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { InvalidInputError } from "../../src/inventory/errors.ts";
import { inspectStockFile, readStockFile, StockFileChangedError } from "../../src/operations/stock-file.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { eventually, lockStock, Premises } from "../start/support.ts";
import { Installation } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

const ledger = `SELECT product_id, version, action::text, quantity, available_after, reason::text, reference, note, actor, idempotency_key
                FROM stock_transaction ORDER BY position`;

function hashOf(contents: string): string {
  return createHash("sha256").update(contents).digest("hex");
}

function keyOf(contents: string, line: number): string {
  return `import-${hashOf(contents).slice(0, 32)}-${line}`;
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
    const contents = [
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
    ].join("\n");
    const file = await installation.write("stock.csv", contents);
    const report = installation.path("stock.refused.csv");
    expect(await installation.run("import", file, "--delimiter", ";")).toEqual({
      code: 1,
      stdout: `Applied 2, applied before 0, refused 7.\nThe refused lines are in ${report}, each with its reason.\n`,
      stderr: "",
    });
    const quantity = "quantity has to be an integer from 0 to 2147483647";
    const from = hashOf(contents).slice(0, 12);
    const refused = [
      "refusedLine;refusedCode;refusedBecause;refusedFrom;productId;quantity;note",
      `3;STOCK_ALREADY_EXISTS;The product has stock already;${from};hat;6;"has ; and ""quotes"""`,
      `4;BAD_USER_INPUT;productId is empty;${from};;1;`,
      `5;BAD_USER_INPUT;${quantity};${from};cap;1e3;`,
      `6;BAD_USER_INPUT;${quantity};${from};cap;-1;`,
      `7;BAD_USER_INPUT;${quantity};${from};cap;2147483648;`,
      `8;BAD_USER_INPUT;it has 1 fields, and the first line has 3;${from};cap`,
      `9;BAD_USER_INPUT;productId begins or ends with a space;${from}; cap;1;`,
      "",
    ];
    expect(await readFile(report, "utf8")).toBe(refused.join("\r\n"));

    const corrected = [refused[0], "4;BAD_USER_INPUT;productId is empty;;tie;1;", "5;;;;cap;1;"].join("\n");
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

  test("takes its report back, as it is or corrected, where the refusals have spent the lines' own keys", async () => {
    const installation = await Installation.create(premises);
    const header = "productId,action,quantity,idempotencyKey";
    const contents = [header, "hat,ALLOCATE,2,order-1", "cap,ALLOCATE,3,order-2", "cap,ALLOCATE,x,order-3"].join("\n");
    const importTo = async (report: string, file: string): Promise<string> =>
      (await installation.run("import", installation.path(file), "--report", installation.path(report))).stdout;
    await installation.write("early.csv", contents);
    expect(await importTo("report.csv", "early.csv")).toMatch(/^Applied 0, applied before 0, refused 3\.\n/);
    const report = await readFile(installation.path("report.csv"), "utf8");
    const missing = `STOCK_NOT_FOUND,The product has no stock,${hashOf(contents).slice(0, 12)}`;
    const malformed = "BAD_USER_INPUT,quantity has to be an integer from 1 to 2147483647";
    expect(report.split("\r\n")).toEqual([
      `refusedLine,refusedCode,refusedBecause,refusedFrom,${header}`,
      `2,${missing},hat,ALLOCATE,2,`,
      `3,${missing},cap,ALLOCATE,3,`,
      `4,${malformed},${hashOf(contents).slice(0, 12)},cap,ALLOCATE,x,order-3`,
      "",
    ]);

    // The same lines are refused for the same reasons: also then the next report is no file that was imported before.
    expect(await importTo("second.csv", "report.csv")).toMatch(/^Applied 0, applied before 0, refused 3\.\n/);
    await installation.write("stock.csv", "productId,quantity\nhat,2\ncap,2\n");
    await importTo("none.csv", "stock.csv");
    expect(await importTo("third.csv", "second.csv")).toMatch(/^Applied 1, applied before 0, refused 2\.\n/);
    const third = await readFile(installation.path("third.csv"), "utf8");
    await installation.write("corrected.csv", third.replace("ALLOCATE,3", "ALLOCATE,1"));
    expect(await importTo("fourth.csv", "corrected.csv")).toMatch(/^Applied 1, applied before 0, refused 1\.\n/);
    expect(await installation.query("SELECT product_id, available, allocated FROM stock ORDER BY 1")).toEqual([
      { product_id: "cap", available: 1, allocated: 1 },
      { product_id: "hat", available: 0, allocated: 2 },
    ]);
  });

  test("leaves the key of a line in the report that was used for something else: it could be done twice", async () => {
    const installation = await Installation.create(premises);
    const file = await installation.write(
      "stock.csv",
      "productId,action,quantity,idempotencyKey\nhat,INCREMENT,2,delivery-1\nhat,INCREMENT,3,delivery-1\n",
    );
    await installation.run("import", file);
    const report = installation.path("stock.refused.csv");
    expect((await readFile(report, "utf8")).split("\r\n")[1]).toMatch(
      /^3,IDEMPOTENCY_KEY_REUSED,.+,hat,INCREMENT,3,delivery-1$/,
    );
    expect((await installation.run("import", report)).stdout).toMatch(/^Applied 0, applied before 0, refused 1\.\n/);
  });

  test("ends where the file is changed meanwhile, says how far it came, and goes on when the file is what it was", async () => {
    const installation = await Installation.create(premises);
    await installation.run("import", await installation.write("hat.csv", "productId,quantity\nhat,0\n"));
    const contents = `productId,action,quantity\n${"hat,INCREMENT,1\n".repeat(2_500)}`;
    const file = await installation.write("stock.csv", contents);
    const importDuring = async (change: () => Promise<unknown>): Promise<unknown> => {
      const lock = await lockStock(installation.databaseUrl, "hat");
      const run = premises.run(["import", file], installation.settings);
      await eventually("lines that wait for the lock", async () => {
        const waiting = await installation.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        return run.hasEnded || waiting.length > 0;
      });
      await change();
      await lock.release();
      const { code } = await run.ended;
      return { code, stdout: run.stdout, stderr: run.stderr };
    };

    expect(await importDuring(() => writeFile(file, `${contents}cap,CREATE,1\n`))).toEqual({
      code: 2,
      stdout: "Applied 1000, applied before 0, refused 0.\n",
      stderr: `${file} was changed meanwhile. Its first 1000 lines are done, 1500 are left: with its old contents the same command goes on with them. With others it is a new file, done from its first line: take out of it what is done.\n`,
    });
    await writeFile(file, contents);
    const other = await installation.write("other.csv", "productId,quantity\ncap,1\n");
    expect(await importDuring(() => rename(other, file))).toEqual({
      code: 0,
      stdout: "Applied 1500, applied before 1000, refused 0.\n",
      stderr: "",
    });
    expect(await installation.query("SELECT product_id, available FROM stock")).toEqual([
      { product_id: "hat", available: 2_500 },
    ]);
  });

  test("refuses at once what can't be read twice", async () => {
    const installation = await Installation.create(premises);
    const fifo = installation.path("fifo");
    await premises.spawn("mkfifo", [fifo], {}).ended;
    for (const path of [fifo, installation.folder])
      expect(await installation.run("import", path)).toEqual({
        code: 2,
        stdout: "",
        stderr: `inventory-gateway: ${path} is no regular file, and an import reads its file twice: write the lines to one first\n`,
      });
    const piped = premises.spawn(
      "sh",
      ["-c", 'echo productId,quantity | "$0" dist/main.js import /dev/stdin', process.execPath],
      installation.settings,
    );
    expect(await piped.ended).toEqual({ code: 2, signal: null });
    expect(piped.stderr).toMatch(/^inventory-gateway: \/dev\/stdin is no regular file/);
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

test("a file is noticed to have changed, also where its size and its time have not", async () => {
  const path = join(await premises.createFolder(), "stock.csv");
  const writeAs = async (contents: string): Promise<void> => {
    await writeFile(path, contents);
    await utimes(path, 1_700_000_000, 1_700_000_000);
  };
  await writeAs("productId,quantity\nhat,1\n");
  const file = await inspectStockFile(path, ",");
  const read = async (): Promise<number> => {
    let lines = 0;
    for await (const _line of readStockFile(file, "CREATE")) lines += 1;
    return lines;
  };
  try {
    expect(await read()).toBe(1);
    await writeAs("productId,quantity\nhat,2\n");
    await expect(read()).rejects.toThrow(StockFileChangedError);
    await writeFile(path, 'productId,quantity\n"hat,2\n');
    await expect(read()).rejects.toThrow(StockFileChangedError);
  } finally {
    await file.source.close();
  }
});
