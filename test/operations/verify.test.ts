import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { LedgerAudit } from "../../src/database/ledger-audit.ts";
import { withInventory } from "../../src/installation.ts";
import type { StockAction } from "../../src/inventory/actions.ts";
import { applyProposal, verifyLedger } from "../../src/operations/verify.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { findFreePort, Premises } from "../start/support.ts";
import { Installation } from "./support.ts";

const premises = new Premises();
let installation: Installation;

beforeEach(async () => {
  installation = await Installation.create(premises);
});

afterEach(() => premises.clear());

type Step = readonly [productId: string, action: StockAction | "DELETE", quantity: number];

/** Stock transactions as gateways settle them. */
async function move(...steps: readonly Step[]): Promise<void> {
  const line = { idempotencyKey: null, expectedVersion: null, reason: null, reference: null, note: null };
  await withInventory(installation.databaseUrl, async ({ inventory }) => {
    for (const [productId, action, quantity] of steps) {
      if (action === "DELETE") await inventory.deleteStock("admin", productId);
      else await inventory.createStockTransaction("admin", { ...line, productId, action, quantity });
    }
  });
}

const history: readonly Step[] = [
  ["hat", "CREATE", 10],
  ["hat", "ALLOCATE", 4],
  ["hat", "DEALLOCATE", 4],
  ["hat", "DECREMENT", 1],
  ["hat", "DELETE", 0],
  ["hat", "INCREMENT", 10],
  ["cap", "CREATE", 0],
];

describe("verify", () => {
  test("finds nothing where gateways alone have written, deletions among it, and ends with 0", async () => {
    await move(...history, ["tie", "CREATE", 1], ["tie", "DELETE", 0]);
    expect(await installation.run("verify")).toEqual({
      code: 0,
      stdout: "Verified 7 stock transactions, found 0 faults, 0 of them open.\n",
      stderr: "",
    });
  });

  test.each([
    [
      "a level of the stock",
      "UPDATE stock SET available = 8 WHERE product_id = 'hat'",
      ["the stock is 8 available, 0 allocated; the ledger says 10 available, 0 allocated"],
    ],
    [
      "a level in the ledger",
      "UPDATE stock_transaction SET allocated_after = 5 WHERE product_id = 'hat' AND version = 2",
      [
        "version 2: the levels are not those before it and its effect, by 0 available, 1 allocated",
        "version 3: the levels are not those before it and its effect, by 0 available, -1 allocated",
      ],
    ],
    [
      "a version that is gone",
      "DELETE FROM stock_transaction WHERE product_id = 'hat' AND version = 3",
      [
        "version 4 follows version 2",
        "version 4: the levels are not those before it and its effect, by 4 available, -4 allocated",
      ],
    ],
    [
      "a version that is there twice",
      `
      ALTER TABLE stock_transaction DROP CONSTRAINT stock_transaction_pkey;
      INSERT INTO stock_transaction SELECT product_id, version, gen_random_uuid(), action, 1, available_after - 2, allocated_after, reason, reference,
        note, actor, idempotency_key, created_at, position + 1 FROM stock_transaction WHERE product_id = 'hat' AND version = 4`,
      [
        "version 4 is there twice",
        "version 4: its levels are not those that were deleted",
        "version 4: the levels are not those before it and its effect, by 8 available, 0 allocated",
      ],
    ],
    [
      "the last version that is gone",
      "DELETE FROM stock_transaction WHERE product_id = 'hat' AND version = 5",
      ["the stock has version 5, the ledger version 4"],
    ],
    [
      "positions that run against versions",
      "UPDATE stock_transaction SET position = 1 WHERE product_id = 'hat' AND version = 3",
      ["version 3 is out of order"],
    ],
    [
      "a deletion that is gone",
      "DELETE FROM stock_deletion",
      [
        "version 5: the levels are not those before it and its effect, by -9 available, 0 allocated",
        "the stock is 10 available, 0 allocated; the ledger says 19 available, 0 allocated",
      ],
    ],
    [
      "a deletion of other levels",
      "UPDATE stock_deletion SET available = 3",
      ["version 4: its levels are not those that were deleted"],
    ],
    [
      "a deletion of nothing",
      "INSERT INTO stock_deletion SELECT 'hat', 9, gen_random_uuid(), 0, 'admin', now()",
      ["the deletion after version 9 has no stock transaction"],
    ],
    [
      "stock that is not tracked any more",
      "UPDATE stock SET available = 0, tracked = false WHERE product_id = 'hat'",
      ["it is not tracked, and was not deleted"],
    ],
    [
      "stock that is gone",
      "DELETE FROM stock WHERE product_id = 'hat'",
      ["there is no stock of it, and version 5 in the ledger"],
    ],
    [
      "a ledger that is gone",
      "DELETE FROM stock_transaction WHERE product_id = 'hat'; DELETE FROM stock_deletion",
      ["there is stock of it, and nothing in the ledger"],
    ],
    [
      "a key without its stock transaction",
      `
      INSERT INTO spent_key SELECT 'admin', 'k', '', gen_random_uuid(), 'hat', 1, NULL, now()`,
      ["the key k has no stock transaction"],
    ],
    [
      "a key that was used twice",
      "UPDATE stock_transaction SET idempotency_key = 'k' WHERE product_id = 'hat' AND version < 3",
      ["version 2 has the key k, which had been used within the day before"],
    ],
  ])("finds %s", async (_name, statement, faults) => {
    await move(...history);
    await installation.query(statement);
    expect((await auditLedger(installation.databaseUrl)).map(({ productId, fault }) => [productId, fault])).toEqual(
      faults.map((fault) => ["hat", fault]),
    );
  });

  test("ends with 1 for what it finds, proposes the stock transactions that explain it, and writes them only when told", async () => {
    await move(...history, ["scarf", "CREATE", 5]);
    // One before it moved on, one since, one where there was too little.
    await installation.query("UPDATE stock SET available = 7 WHERE product_id = 'hat'");
    await move(["hat", "DECREMENT", 1]);
    await installation.query("UPDATE stock SET available = 0, allocated = 8 WHERE product_id = 'scarf'");
    const found = [
      '"hat": version 6: the levels are not those before it and its effect, by -3 available, 0 allocated',
      '"hat": the stock is 6 available, 0 allocated; the ledger says 9 available, 0 allocated',
      '"scarf": the stock is 0 available, 8 allocated; the ledger says 5 available, 0 allocated',
    ];
    const moves = [
      '"hat" DECREMENT 3, which leaves 6 available, 0 allocated',
      '"scarf" INCREMENT 3, ALLOCATE 8, which leaves 0 available, 8 allocated',
    ];
    const proposal = {
      code: 1,
      stdout: [
        ...found,
        ...moves.map((text) => `Proposed: ${text}`),
        "verify --apply writes what is proposed.",
        "Verified 8 stock transactions, found 3 faults, 3 of them open.",
        "",
      ].join("\n"),
      stderr: "",
    };
    expect(await installation.run("verify")).toEqual(proposal);
    expect(await installation.run("verify")).toEqual(proposal);
    expect(await installation.run("verify", "--apply")).toEqual({
      code: 0,
      stdout: [
        ...found,
        ...moves.map((text) => `Applied: ${text}`),
        "Verified 8 stock transactions, found 3 faults, 0 of them open.",
        "",
      ].join("\n"),
      stderr: "",
    });
    expect(
      await installation.query(
        `SELECT product_id, version, action::text, quantity, available_after, allocated_after, reason::text, reference, actor
         FROM stock_transaction WHERE reference = 'verify' ORDER BY position`,
      ),
    ).toEqual(
      [
        ["hat", 7, "DECREMENT", 3, 6, 0],
        ["scarf", 2, "INCREMENT", 3, 0, 8],
        ["scarf", 3, "ALLOCATE", 8, 0, 8],
      ].map(([product_id, version, action, quantity, available_after, allocated_after]) => ({
        product_id,
        version,
        action,
        quantity,
        available_after,
        allocated_after,
        reason: "CORRECTION",
        reference: "verify",
        actor: "admin",
      })),
    );
    await move(["hat", "DECREMENT", 6], ["scarf", "DEALLOCATE", 8]);
    expect(await auditLedger(installation.databaseUrl)).toEqual([]);
  });

  test("counts every fault, shows the first 10 000, and ends with 1 for the others too", async () => {
    await installation.query(`
      INSERT INTO stock SELECT 'p' || lpad(n::text, 6, '0'), 2, 0, 1, true, now(), now() FROM generate_series(1, 10001) AS n;
      INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
      SELECT 'p' || lpad(n::text, 6, '0'), 1, gen_random_uuid(), 'INCREMENT', 1, 1, 0, 'admin', now(), n FROM generate_series(1, 10001) AS n`);
    const { code, stdout, stderr } = await installation.run("verify");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const lines = stdout.split("\n");
    const ids = Array.from({ length: 10_000 }, (_, index) => `"p${String(index + 1).padStart(6, "0")}"`);
    expect(lines.slice(0, 10_000)).toEqual(
      ids.map((id) => `${id}: the stock is 2 available, 0 allocated; the ledger says 1 available, 0 allocated`),
    );
    expect(lines[10_000]).toBe("The first 10000 of 10001 faults are shown.");
    expect(lines.slice(10_001, 20_001)).toEqual(
      ids.map((id) => `Proposed: ${id} INCREMENT 1, which leaves 2 available, 0 allocated`),
    );
    expect(lines.slice(20_001)).toEqual([
      "Proposals left for another run: 1.",
      "verify --apply writes what is proposed.",
      "Verified 10001 stock transactions, found 10001 faults, 10001 of them open.",
      "",
    ]);
  });

  test("ends with 1 after --apply where something is left that was not shown", async () => {
    // One correction explains the 10 001 of the first; the second has a gap.
    await installation.query(`
      SELECT setval('stock_transaction_position', 20000);
      INSERT INTO stock VALUES ('a', 20000, 0, 10000, true, now(), now()), ('b', 1, 0, 2, true, now(), now());
      INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
      SELECT 'a', n, gen_random_uuid(), 'INCREMENT'::stock_action, 1, 2 * n, 0, 'admin', now(), n FROM generate_series(1, 10000) AS n
      UNION ALL SELECT 'b', 2, gen_random_uuid(), 'INCREMENT'::stock_action, 1, 1, 0, 'admin', now(), 10001`);
    const { code, stdout, stderr } = await installation.run("verify", "--apply");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout.split("\n").slice(10_000)).toEqual([
      "The first 10000 of 10002 faults are shown.",
      'Applied: "a" INCREMENT 10000, which leaves 20000 available, 0 allocated',
      "Verified 10001 stock transactions, found 10002 faults, 1 of them open.",
      "",
    ]);
    expect(await auditLedger(installation.databaseUrl)).toEqual([
      { productId: "b", fault: "version 2 follows version 0" },
    ]);
  });

  test("does not count a key's fault as put right with the levels of its product", async () => {
    await move(["hat", "CREATE", 10]);
    await installation.query(`
      UPDATE stock SET available = 7 WHERE product_id = 'hat';
      INSERT INTO spent_key SELECT 'admin', 'k', '', gen_random_uuid(), 'hat', 1, NULL, now()`);
    const { code, stdout } = await installation.run("verify", "--apply");
    expect(code).toBe(1);
    expect(stdout).toContain("Verified 1 stock transactions, found 2 faults, 1 of them open.\n");
  });

  test("works on to its end and its code when nobody reads what it says", async () => {
    await move(...history);
    await installation.query("UPDATE stock SET available = available + 3");
    const unread = async (args: string, streams = ""): Promise<string> => {
      const script = `("$0" dist/main.js ${args} ${streams}; echo "ended with $?" >&3) 3>&2 | true`;
      const piped = premises.spawn("sh", ["-c", script, process.execPath], installation.settings);
      await piped.ended;
      return piped.stdout + piped.stderr;
    };
    expect(await unread("verify")).toBe("ended with 1\n");
    expect(await unread("verify --apply", "2>&1")).toBe("ended with 0\n");
    expect(await auditLedger(installation.databaseUrl)).toEqual([]);
    expect(await unread("verify")).toBe("ended with 0\n");
    expect(await unread("client list")).toBe("ended with 0\n");
    expect(await unread("verify --client", "2>&1")).toBe("ended with 2\n");
  });

  test("corrects by what the stock is when it is locked, while the product goes on selling", async () => {
    await move(["hat", "CREATE", 1_000]);
    await installation.query("UPDATE stock SET available = 990 WHERE product_id = 'hat'");
    const audit = await LedgerAudit.open(installation.databaseUrl);
    try {
      const { proposals } = await verifyLedger(audit, {
        start: () => undefined,
        advance: () => undefined,
        stop: () => undefined,
      });
      await move(["hat", "DECREMENT", 1]);
      const [proposal] = proposals;
      if (proposal === undefined) throw new Error("Nothing was proposed");
      const selling = new AbortController();
      const sold = (async () => {
        while (!selling.signal.aborted) await move(["hat", "DECREMENT", 1]);
      })();
      const applied = await withInventory(installation.databaseUrl, ({ storage }) =>
        applyProposal(proposal, { audit, storage, actor: "admin" }),
      ).finally(() => selling.abort());
      await sold;
      expect(applied).toMatchObject({ applied: { steps: [{ action: "DECREMENT", quantity: 10 }] }, faults: [] });
      expect(await auditLedger(installation.databaseUrl)).toEqual([]);
    } finally {
      await audit.close();
    }
  });

  test("takes no stock transaction that only looks like a correction for one", async () => {
    await move(["hat", "CREATE", 10]);
    await installation.query("UPDATE stock SET available = 7 WHERE product_id = 'hat'");
    const looksAlike = {
      idempotencyKey: null,
      expectedVersion: null,
      note: null,
      productId: "hat",
      quantity: 3,
    } as const;
    await withInventory(installation.databaseUrl, ({ inventory }) =>
      inventory.createStockTransaction("admin", {
        ...looksAlike,
        action: "INCREMENT",
        reason: "CORRECTION",
        reference: "verify",
      }),
    );
    expect(await auditLedger(installation.databaseUrl)).toEqual([
      {
        productId: "hat",
        fault: "version 2: the levels are not those before it and its effect, by -3 available, 0 allocated",
      },
      { productId: "hat", fault: "the stock is 10 available, 0 allocated; the ledger says 13 available, 0 allocated" },
    ]);
  });

  test("looks at every product, in parts of many small ones and of few large ones", async () => {
    await installation.query(
      "INSERT INTO stock SELECT 'p' || lpad(n::text, 6, '0'), 1, 0, 1, true, now(), now() FROM generate_series(1, 12345) AS n",
    );
    expect(new Set((await auditLedger(installation.databaseUrl)).map(({ productId }) => productId)).size).toBe(12_345);
    await installation.query("UPDATE stock SET version = 30000 WHERE product_id < 'p000100'");
    expect(new Set((await auditLedger(installation.databaseUrl)).map(({ productId }) => productId)).size).toBe(12_345);
  });

  test("ends with 2 when it can't run", async () => {
    const port = await findFreePort();
    const run = premises.run(["verify"], { DATABASE_URL: `postgresql://user@127.0.0.1:${port}/stock` });
    expect(await run.ended).toEqual({ code: 2, signal: null });
    expect(run.stderr).toBe(
      `inventory-gateway: DATABASE_URL: the database can't be reached: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    );
    expect((await installation.run("verify", "--fix")).code).toBe(2);
  });
});
