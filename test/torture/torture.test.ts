import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { CampaignReport } from "../../torture/campaign.ts";
import { createTally, violationNames } from "../../torture/check/tally.ts";
import { eventually } from "../../torture/daemons.ts";
import { namesOfUnstruck, toTable } from "../../torture/report.ts";
import { clearFolder } from "../../torture/run-folder.ts";

/*
 * The short run of `npm run torture`: a fault of each kind, and gateways that are broken on purpose. The long one, with
 * every fault, is described in torture/README.md.
 */

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
const program = join(packageRoot, "build/torture/main.js");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "torture-test-"));
  // As root the servers are another user's, who has to get in.
  await chmod(folder, 0o755);
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [compiler, "-p", "tsconfig.torture.json"], { cwd: packageRoot });
});
// With all that a run has left that did not end as it has to.
afterAll(() => clearFolder(folder));

/** Runs the harness. @throws Error with what it said, where it ends with anything but 0 */
async function torture(...args: string[]): Promise<string> {
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
  expect(Math.min(...report.faults.map(({ struck }) => struck))).toBeGreaterThan(0);
  expect(report.totals.unknown).toBeGreaterThan(0);
  expect(said).toMatch(/^all +5 +\d+/m);
});

test("gateways that look a key up too early, or that acknowledge what is not on disk, are found out", async () => {
  const said = await torture("--controls", "--seed", "short", "--only", "key-before-lock,synchronous-commit-off");
  expect(said).toMatch(/ s key-before-lock \(.*\): doubled \d.*: as expected$/m);
  expect(said).toMatch(/ s synchronous-commit-off \(.*\): lost \d.*: as expected$/m);
});

test("a fault that never struck is marked, unless it is one that could not be run", () => {
  const [struck, unstruck, absent] = ["struck", "unstruck", "absent"].map((name) => ({
    ...createTally(),
    name,
    description: "",
    struck: name === "struck" ? 2 : 0,
  }));
  if (struck === undefined || unstruck === undefined || absent === undefined) throw new Error("Three were made");
  const notRun = [{ name: "absent", reason: "no disk" }];
  const faults = [struck, unstruck, absent];
  const report = { seed: "", totals: struck, faults, notRun, details: [], figures: [] };
  expect(namesOfUnstruck(report)).toEqual(["unstruck"]);
  expect(toTable(report)).toMatch(
    /^fault +rounds +struck .*\nstruck +0 +2 .*\nunstruck +0 +0 ! .*\nabsent +0 +0 ! .*\nall +0 +2 /,
  );
});

/** A process of a run whose temporary folder lies in that folder: by what it was given, or by where it works. */
interface Process {
  readonly command: string;
  readonly isStopped: boolean;
}

function listProcesses(folder: string): readonly Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [command, environment, stat] = ["cmdline", "environ", "stat"].map((file) =>
          readFileSync(`/proc/${pid}/${file}`, "utf8"),
        );
        const said = `${command}${environment}${readlinkSync(`/proc/${pid}/cwd`)}`;
        return said.includes(folder) ? [{ command: command ?? "", isStopped: / T /.test(stat ?? "") }] : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** Looks that say when it is time to end a run. */
const moments = {
  "while a cluster starts": () => (processes: readonly Process[]) =>
    processes.some(({ command }) => command.includes("bin/patroni")),
  "when the primary has been killed": () => {
    let were = 0;
    return (processes: readonly Process[]) => {
      const are = processes.filter(({ command }) => command.includes("bin/patroni")).length;
      were = Math.max(were, are);
      return were === 3 && are === 2;
    };
  },
  "while PostgreSQL is stopped": () => (processes: readonly Process[]) => processes.some(({ isStopped }) => isStopped),
} as const;

test.each([
  ["SIGTERM", "while a cluster starts", "kill-primary", 143],
  ["SIGTERM", "when the primary has been killed", "kill-primary", 143],
  ["SIGINT", "while PostgreSQL is stopped", "stop-database", 130],
  ["SIGKILL", "while PostgreSQL is stopped", "stop-database", null],
] as const)("a run that is ended by %s %s leaves nothing behind", async (signal, moment, fault, code) => {
  // Short: sockets lie deep in it.
  const place = await mkdtemp(join(tmpdir(), "run-"));
  await chmod(place, 0o755);
  // It goes on until it is ended, so that a moment that was missed comes again.
  const args = [program, "--seconds", "600", "--seed", "ended", "--only", fault];
  const env = { ...process.env, TMPDIR: place };
  const harness = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  try {
    const ended = once(harness, "exit");
    const isIt = moments[moment]();
    await eventually(moment, async () => isIt(listProcesses(place)), 120_000);
    harness.kill(signal);
    expect(await ended).toEqual([code, code === null ? signal : null]);
    // Who is killed can't wait for the end of what it has started.
    if (code === null) await eventually("nothing left", async () => (await leftIn(place)).length === 0, 60_000);
    expect(await leftIn(place)).toEqual([]);
  } finally {
    harness.kill("SIGKILL");
    clearFolder(place);
  }
});

/** What runs there, and what lies there. */
async function leftIn(place: string): Promise<readonly string[]> {
  return [...listProcesses(place).map(({ command }) => command), ...(await readdir(place))];
}
