import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settings } from "../../src/config.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { giveToService } from "../../torture/daemons.ts";
import { debianTools, pathOf, serviceUser } from "../../torture/packages.ts";
import { eventually, Premises, requestToken } from "../start/support.ts";
import type { Run } from "../start/support.ts";
import { Postgres } from "../support/postgres.ts";
import { Shop } from "../support/shop.ts";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const docs = join(packageRoot, "docs");
const secret = "a-secret-of-this-test";

let page: string;
/** By the anchor that leads there. */
let sections: ReadonlyMap<string, string>;

beforeAll(async () => {
  page = await readFile(join(docs, "on-call.md"), "utf8");
  sections = new Map(page.split(/^## /m).map((text) => [anchorOf(text.split("\n")[0] ?? ""), text]));
});

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

function matchesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, match = ""]) => match);
}

/** What stands between the marks of code. */
const codeIn = (text: string): string[] => matchesIn(text.replaceAll(/```[\s\S]*?```/g, ""), /`([^`]+)`/g);

/** The commands of a part of the page, block by block, that stands under a heading of any depth. */
function commandsUnder(heading: string): string[] {
  const [, text = ""] = page.split(new RegExp(`^#+ ${heading}\n`, "m"));
  const depth = /^(#+) /m.exec(page.slice(page.search(new RegExp(`^#+ ${heading}$`, "m"))))?.[1]?.length ?? 0;
  const [part = ""] = text.split(new RegExp(`^#{1,${depth}} `, "m"));
  return [...part.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

describe("the page for whoever is on call", () => {
  test("names settings, metrics and alerts that there are, and every alert in the section that it leads to", async () => {
    const code = codeIn(page);
    const names = [...Object.keys(settings), ...Object.keys(settings).map((name) => `${name}_FILE`)];
    const named = code.filter((text) => /^[A-Z]+(_[A-Z]+)+$/.test(text) && !notSettings.has(text));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);

    const listed = await readFile(join(docs, "metrics.md"), "utf8");
    const others = await new Metrics("1").read();
    const metrics = code.flatMap((text) => matchesIn(text, /\b((?:inventory|nodejs|process)_\w+)/g));
    expect(metrics.length).toBeGreaterThan(10);
    expect(
      metrics.filter((name) => !listed.includes(`| \`${name}\` |`) && !others.includes(`# HELP ${name} `)),
    ).toEqual([]);

    const alerts = await readFile(join(packageRoot, "ops/prometheus/alerts.yml"), "utf8");
    const rules = [...alerts.matchAll(/- alert: (\w+)[\s\S]*?docs\/on-call\.md#(\S+)/g)];
    expect(rules).toHaveLength(15);
    expect(rules.filter(([, alert, anchor]) => !sections.get(anchor ?? "")?.includes(`\`${alert}\``))).toEqual([]);
    const alertNames = new Set(rules.map(([, alert]) => alert));
    expect(matchesIn(page, /(InventoryGateway\w+)/g).filter((name) => !alertNames.has(name))).toEqual([]);
  });

  test("says where the database's address is under systemd, and where the program is, as the unit does", async () => {
    const unit = await readFile(join(packageRoot, "ops/systemd/inventory-gateway.service"), "utf8");
    const [, credential = ""] = /^LoadCredential=database-url:(.+)$/m.exec(unit) ?? [];
    const [, directory = ""] = /^WorkingDirectory=(.+)$/m.exec(unit) ?? [];
    expect(codeIn(page)).toEqual(
      expect.arrayContaining([
        `export DATABASE_URL="$(cat ${credential})"`,
        `DATABASE_URL_FILE=${credential}`,
        directory,
      ]),
    );
  });

  test("leads nowhere that is not there", async () => {
    const targets = matchesIn(page, /\]\(([^)]+)\)/g).filter((target) => !target.startsWith("https:"));
    expect(targets.length).toBeGreaterThan(10);
    const missing: string[] = [];
    for (const target of targets) {
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? join(docs, "on-call.md") : join(docs, file);
      const anchors =
        existsSync(path) && anchor !== undefined ? matchesIn(await readFile(path, "utf8"), /^#+ (.+)$/gm) : [];
      if (!existsSync(path) || (anchor !== undefined && !anchors.map(anchorOf).includes(anchor))) missing.push(target);
    }
    expect(missing).toEqual([]);
  });
});

/** Of PostgreSQL and of what the gateway answers. */
const notSettings = new Set(["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "RATE_LIMITED"]);

describe("its commands", () => {
  const premises = new Premises();
  const servers: Postgres[] = [];
  let folder: string;
  let server: Postgres;
  let gateway: Run;
  let url: string;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "on-call-"));
    await chmod(folder, 0o755);
    await giveToService(folder);
    for (const name of ["archive", "bin"]) {
      await mkdir(join(folder, name));
      await giveToService(join(folder, name));
    }
    // As the package installs it.
    const program = join(folder, "bin/inventory-gateway");
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(packageRoot, "dist/main.js")}' "$@"\n`);
    await chmod(program, 0o755);
    server = keep(await Postgres.create());
    await server.query("CREATE DATABASE inventory");
    await server.query("ALTER SYSTEM SET archive_mode = on");
    await server.query(`ALTER SYSTEM SET archive_command = 'cp %p ${folder}/archive/%f'`);
    await server.kill();
    await server.start();
    gateway = startOn(server.url("inventory"));
    url = await gateway.serving();
    environment = {
      PATH: `${join(folder, "bin")}:${pathOf(debianTools.postgres)}:${process.env["PATH"] ?? ""}`,
      DATA_DIR: await premises.createFolder(),
      DATABASE_URL: server.url("inventory"),
      SERVER_URL: server.url("postgres"),
      RESTORED_URL: server.url("inventory_restored"),
      GATEWAY: url,
    };
  });

  afterAll(async () => {
    await premises.clear();
    for (const each of servers) await each.remove();
    await rm(folder, { recursive: true });
  });

  function keep(each: Postgres): Postgres {
    servers.push(each);
    return each;
  }

  function startOn(databaseUrl: string): Run {
    const admin = { ADMIN_CLIENT_ID: "admin", ADMIN_CLIENT_SECRET: secret };
    return premises.start({ DATABASE_URL: databaseUrl, DATA_DIR: folder, LOG_LEVEL: "error", ...admin });
  }

  async function openShop(at: string): Promise<Shop> {
    return new Shop(at, (await requestToken(at, "admin", secret)).token);
  }

  /** Runs each block as it stands on the page, and ends with the first command that fails. @returns what was printed */
  async function runAll(blocks: readonly string[], more: object = {}, options: object = {}): Promise<string> {
    expect(blocks.length).toBeGreaterThan(0);
    const printed: string[] = [];
    for (const block of blocks) {
      const env = { ...environment, ...more };
      const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", block], {
        cwd: folder,
        env,
        ...options,
      });
      printed.push(stdout);
    }
    return printed.join("");
  }

  test.each(["It is slow", "It is down", "It is full", "Rotate keys"])(
    "run, beside a gateway that serves: %s",
    async (heading) => {
      expect(await runAll(commandsUnder(heading))).not.toBe("");
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
    },
  );

  test("back the database up and restore it, from a dump: its ledger is whole, and a gateway goes on from there", async () => {
    const shop = await openShop(url);
    const sold = { productId: "dumped", action: "INCREMENT", quantity: 3, idempotencyKey: "dumped" };
    await shop.move(sold);
    await runAll(commandsUnder("Have one"));
    await shop.move({ ...sold, idempotencyKey: "lost" });
    expect(await runAll(commandsUnder("From a dump"))).toContain("Up to date.");
    const restored = startOn(environment["RESTORED_URL"] ?? "");
    const other = await openShop(await restored.serving());
    expect(await other.levels("dumped")).toEqual({ available: 3, allocated: 0, version: 1 });
    expect((await other.move(sold)).replayed).toBe(true);
    expect((await other.move({ ...sold, idempotencyKey: "new" })).moved).toMatchObject({
      version: 2,
      availableAfter: 6,
    });
    expect(await restored.stop()).toBe(0);
    await runAll(commandsUnder("The check"), { DATABASE_URL: environment["RESTORED_URL"] });
  });

  test("restore a base backup with all of the archive: nothing that was archived is missing", async () => {
    const shop = await openShop(url);
    const backup = join(folder, "base");
    await server.backUp(backup);
    for (let count = 0; count < 20; count += 1)
      await shop.move({ productId: "archived", action: "INCREMENT", quantity: 1 });
    const [row] = await server.query("SELECT pg_walfile_name(pg_switch_wal()) AS file");
    const archive = join(folder, "archive");
    await eventually("the archived log", () => existsSync(join(archive, String(row?.["file"]))));
    const revived = keep(await Postgres.empty());
    await mkdir(revived.data, { mode: 0o700 });
    await giveToService(revived.data);
    await runAll(
      commandsUnder("From a base backup"),
      { BACKUP: backup, ARCHIVE: archive, DATA: revived.data },
      serviceUser() ?? {},
    );
    await revived.start();
    await eventually("the end of recovery", async () => {
      const [state] = await revived.query("SELECT pg_is_in_recovery() AS recovering");
      return state?.["recovering"] === false;
    });
    await runAll(commandsUnder("The check"), { DATABASE_URL: revived.url("inventory") });
    const restored = startOn(revived.url("inventory"));
    const other = await openShop(await restored.serving());
    expect(await other.levels("archived")).toEqual({ available: 20, allocated: 0, version: 20 });
    expect(await restored.stop()).toBe(0);
  });
});
