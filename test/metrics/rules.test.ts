import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "pg";
import { Metrics } from "../../src/metrics/metrics.ts";
import { parseExposition } from "../support/exposition.ts";
import type { Family } from "../support/exposition.ts";
import { eventually } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import { Shop } from "../support/shop.ts";

const rules = fileURLToPath(new URL("../../ops/prometheus", import.meta.url));
const onCall = ["it-is-slow", "it-is-down", "it-is-full", "restore-from-backup", "rotate-keys"];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

let panels: readonly Panel[];
let alerts: string;
let exported: ReadonlyMap<string, Family>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rules-"));
  const dashboard = await readFile(new URL("../../ops/grafana/inventory-gateway.json", import.meta.url), "utf8");
  ({ panels } = JSON.parse(dashboard) as { panels: Panel[] });
  alerts = await readFile(join(rules, "alerts.yml"), "utf8");
  exported = parseExposition(await readBusyGateway());
});

afterAll(() => rm(folder, { recursive: true }));

/** What a gateway exports that has done, refused and tried again what there is. */
async function readBusyGateway(): Promise<string> {
  const metrics = new Metrics("1.2.3");
  const gateway = await startTestGateway({ metrics });
  const holder = new Client({ connectionString: gateway.databaseUrl });
  try {
    const shop = await Shop.open(gateway);
    await shop.move({ productId: "hat", action: "INCREMENT", quantity: 3 });
    await shop.move({ productId: "hat", action: "ALLOCATE", quantity: 9 });
    await shop.moveOverRest({ productId: "hat", action: "DECREMENT", quantity: 1 });
    await holder.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM stock WHERE product_id = 'hat' FOR UPDATE");
    const held = shop.move({ productId: "hat", action: "INCREMENT", quantity: 1 });
    await eventually("an attempt that fails", async () => (await metrics.read()).includes("55P03"));
    await holder.query("COMMIT");
    await held;
    return await metrics.read();
  } finally {
    await holder.end();
    await gateway.close();
  }
}

async function promtool(...args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)("promtool", args, { cwd: rules });
    return stdout + stderr;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error("promtool is missing: as root, apt-get install prometheus, which .ci/run does", { cause: error });
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(stdout + stderr, { cause: error });
  }
}

/** What Grafana asks Prometheus for, with a value for each variable. */
function dashboardQueries(): string[] {
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return queries.map((query) =>
    query.replaceAll("$__rate_interval", "1m").replaceAll("$job", "inventory-gateway").replaceAll("$instance", ".*"),
  );
}

/** The queries of the alerts, each on a line of its own or in a block that is further in. */
function alertQueries(): string[] {
  return [...alerts.matchAll(/^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.+)$)/gm)].map(
    ([, block, line]) => block ?? line ?? "",
  );
}

/** The metrics that a query reads, and the labels that it tells them apart by. */
function namesIn(query: string): { metrics: string[]; labels: string[] } {
  const grouping = /\b(?:by|without|on|ignoring|group_left|group_right) \(([^)]*)\)/g;
  const matched = [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, matchers = ""]) => [
    ...matchers.matchAll(/(\w+)\s*[=!]/g),
  ]);
  const grouped = [...query.matchAll(grouping)].flatMap(([, list = ""]) => [...list.matchAll(/(\w+)/g)]);
  const rest = query.replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, " ").replaceAll(grouping, " ");
  const words = rest.match(/\b[a-z_]\w*\b(?!\s*\()/g) ?? [];
  return {
    metrics: words.filter((word) => !["and", "or", "unless", "on", "by"].includes(word)),
    labels: [...matched, ...grouped].map(([, label = ""]) => label),
  };
}

test("the alerts, when they fire and when they don't, are what promtool holds them to", async () => {
  expect(await promtool("check", "config", "prometheus.yml")).toContain("SUCCESS: 15 rules found");
  expect(await promtool("test", "rules", "alerts.test.yml")).toContain("SUCCESS");
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  expect(names).toHaveLength(15);
  const cases = await readFile(join(rules, "alerts.test.yml"), "utf8");
  const [quiet = "", ...firing] = cases.split("  - name: ").slice(1);
  expect(names.filter((name) => !quiet.includes(`alertname: ${name} }`))).toEqual([]);
  const fires = (name: string): boolean =>
    firing.some((each) => new RegExp(`alertname: ${name}\n +exp_alerts:`).test(each));
  expect(names.filter((name) => !fires(name))).toEqual([]);
});

test("each alert has a severity, and leads to a section of the page for whoever is on call", () => {
  const count = alerts.match(/- alert: /g)?.length;
  expect(alerts.match(/^ +severity: (page|ticket)$/gm)).toHaveLength(count ?? 0);
  const runbooks = [...alerts.matchAll(/^ +runbook: docs\/on-call\.md#(\S+)$/gm)].map(([, anchor = ""]) => anchor);
  expect(runbooks).toHaveLength(count ?? 0);
  expect(runbooks.filter((anchor) => !onCall.includes(anchor))).toEqual([]);
});

test("every query of the dashboard is one", async () => {
  const queries = dashboardQueries();
  expect(queries).toHaveLength(panels.flatMap(({ targets = [] }) => targets).length);
  const file = join(folder, "dashboard.yml");
  const recorded = queries.map((expr, index) => ({ record: `panel:query:${index}`, expr }));
  await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules: recorded }] }));
  expect(await promtool("check", "rules", file)).toContain(`SUCCESS: ${queries.length} rules found`);
});

test("a panel is not on top of another, and has an id of its own", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});

test("every metric and label that the dashboard and the alerts name is exported by a gateway that runs", () => {
  const names = new Set(["up"]);
  const labels = new Set(["job", "instance"]);
  for (const { samples } of exported.values())
    for (const sample of samples) {
      names.add(sample.name);
      for (const label of Object.keys(sample.labels)) labels.add(label);
    }
  const queries = [...dashboardQueries(), ...alertQueries()];
  expect(alertQueries()).toHaveLength(15);
  const named = queries.map(namesIn);
  expect(named.filter(({ metrics }) => metrics.length === 0)).toEqual([]);
  expect(named.flatMap(({ metrics }) => metrics.filter((name) => !names.has(name)))).toEqual([]);
  expect(named.flatMap((each) => each.labels.filter((label) => !labels.has(label)))).toEqual([]);
});

test("docs/metrics.md lists the gateway's own metrics with their type, labels and meaning", async () => {
  const page = await readFile(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const own = [...exported].filter(([name]) => name.startsWith("inventory_"));
  const rows = own.map(([name, { type, help, samples }]) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== "le"));
    return `| \`${name}\` | ${type} | ${[...labels].map((label) => `\`${label}\``).join(", ")} | ${help} |`;
  });
  expect(page.split("\n").filter((line) => line.startsWith("| `inventory_"))).toEqual(rows);
});
