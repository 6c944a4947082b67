import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { CampaignReport } from "../../torture/campaign.ts";
import { violationNames } from "../../torture/check/tally.ts";

/*
 * The short run of `npm run torture`: a fault of each kind, and gateways that are broken on purpose. The long one, with
 * every fault, is described in torture/README.md.
 */

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "inventory-gateway-torture-test-"));
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [compiler, "-p", "tsconfig.torture.json"], { cwd: packageRoot });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the harness. @throws Error with what it said, where it ends with anything but 0 */
async function torture(...args: string[]): Promise<string> {
  const program = join(packageRoot, "build/torture/main.js");
  const { stdout } = await run(process.execPath, [program, ...args], { cwd: folder });
  return stdout;
}

test("F15: nothing is lost, doubled or inexplicable through faults of processes, network and clients, and all of it works again", async () => {
  const faults = ["kill-gateway", "kill-postmaster", "cut-after-commit", "cut-answer", "delayed-duplicates"];
  const file = join(folder, "report.json");
  const said = await torture("--seconds", "1", "--seed", "short", "--only", faults.join(","), "--json", file);
  const report = JSON.parse(await readFile(file, "utf8")) as CampaignReport;
  expect(report.details).toEqual([]);
  for (const tally of [report.totals, ...report.faults])
    expect(violationNames.filter((name) => tally[name] !== 0)).toEqual([]);
  expect(report.faults.map(({ name, rounds }) => [name, rounds])).toEqual(
    expect.arrayContaining(faults.map((name) => [name, 1])),
  );
  expect(Math.min(...report.faults.map(({ acknowledged }) => acknowledged))).toBeGreaterThan(50);
  expect(report.totals.unknown).toBeGreaterThan(0);
  expect(said).toMatch(/^all +5 +\d+/m);
}, 120_000);

test("gateways that look a key up too early, or that acknowledge what is not on disk, are found out", async () => {
  const said = await torture("--controls", "--seed", "short", "--only", "key-before-lock,synchronous-commit-off");
  expect(said).toMatch(/ s key-before-lock \(.*\): doubled \d.*: as expected$/m);
  expect(said).toMatch(/ s synchronous-commit-off \(.*\): lost \d.*: as expected$/m);
}, 120_000);
