import { join } from "node:path";
import type { Findings, ViolationName } from "../check/tally.ts";
import { createTally, addTally, isSound } from "../check/tally.ts";
import type { Tally } from "../check/tally.ts";
import { delayedDuplicates } from "../faults/duplicates.ts";
import { losePrimary } from "../faults/failover.ts";
import type { Fault } from "../faults/fault.ts";
import { noFault } from "../faults/holds.ts";
import { killPostmaster } from "../faults/processes.ts";
import { asynchronousFailover } from "../failover/cluster.ts";
import { packageRoot } from "../package-root.ts";
import { Random } from "../random.ts";
import { runRound } from "../round.ts";
import type { Setting } from "../world/database.ts";
import { careless, embedded } from "../world/embedded-database.ts";
import { World } from "../world/world.ts";
import type { Flaw } from "./flaws.ts";

/** Gateways, or a database, that are broken on purpose, and what has to come of it. */
export interface Control {
  readonly name: string;
  readonly description: string;
  /** Of the gateways' storage; null: the program that users run. */
  readonly flaw: Flaw | null;
  readonly setting: Setting;
  readonly fault: Fault;
  /** What has to be counted for it to be red for its own reason; null: it has to be sound. */
  readonly reason: ViolationName | null;
}

/** All of them; a harness that does not tell these apart proves nothing. */
export const controls: readonly Control[] = [
  {
    name: "sound",
    description: "the storage that the flaws are put into, without any",
    flaw: "none",
    setting: embedded,
    fault: delayedDuplicates,
    reason: null,
  },
  {
    name: "unlocked",
    description: "levels are read without a lock, and then written",
    flaw: "unlocked",
    setting: embedded,
    fault: noFault,
    reason: "drift",
  },
  {
    name: "key-before-lock",
    description: "the idempotency key is looked up only before the lock",
    flaw: "key-before-lock",
    setting: embedded,
    fault: noFault,
    reason: "doubled",
  },
  {
    name: "refusals-spend-no-key",
    description: "a refusal does not spend its idempotency key",
    flaw: "refusals-spend-no-key",
    setting: embedded,
    fault: delayedDuplicates,
    reason: "refusedButApplied",
  },
  {
    name: "error-caught",
    description: "an error is caught inside the transaction, which then commits nothing",
    flaw: "error-caught",
    setting: embedded,
    fault: noFault,
    reason: "lost",
  },
  {
    name: "synchronous-commit-off",
    description: "synchronous_commit is off when the postmaster is killed",
    flaw: null,
    setting: careless,
    fault: killPostmaster,
    reason: "lost",
  },
  {
    name: "asynchronous-failover",
    description: "commits wait for no standby when the primary is lost",
    flaw: null,
    setting: asynchronousFailover,
    fault: losePrimary,
    reason: "lost",
  },
];

export interface ControlReport {
  readonly control: Control;
  readonly tally: Tally;
  /** Whether it came out as it has to. */
  readonly isAsExpected: boolean;
}

/** What is a matter of chance may take several rounds. */
const roundsMax = 10;
/** Far more than usual: what goes wrong when two requests meet has to be seen in seconds. */
const twicePercent = 40;

/** Runs rounds until the control is red for its own reason, or it is clear that it is not. */
export async function runControl(
  control: Control,
  { runFolder, seed }: { readonly runFolder: string; readonly seed: string },
): Promise<ControlReport> {
  const { flaw, setting, fault, reason } = control;
  const random = new Random(`${seed}/${control.name}`);
  const tally = createTally();
  const gatewayArguments = flaw === null ? {} : { gatewayArguments: [brokenGateway, flaw] };
  const world = await World.open(setting, { runFolder, ...gatewayArguments });
  try {
    for (let round = 1; round <= (reason === null ? 1 : roundsMax); round += 1) {
      const prefix = `${round}-${control.name}-`;
      const options = { prefix, random: random.fork(prefix), clients: 16, twicePercent, holdMs: fault.holdMs.short };
      const findings: Findings = await runRound(world, fault, options);
      addTally(tally, findings.tally);
      if (reason !== null && tally[reason] > 0) break;
    }
  } finally {
    await world.close();
  }
  return { control, tally, isAsExpected: reason === null ? isSound(tally) : tally[reason] > 0 };
}

/** Compiled, wherever this file is run from. */
const brokenGateway = join(packageRoot, "build/torture/controls/gateway.js");
