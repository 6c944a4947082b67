import { setTimeout as wait } from "node:timers/promises";
import type { Load } from "../load/load.ts";
import type { World } from "../world/world.ts";
import type { Findings } from "./tally.ts";

/** By then everything has to work again, in milliseconds. */
const recoveryMsMax = 10_000;
/** For so long nothing may fail any more. */
const quietMs = 1_000;

/**
 * The liveness phase: with all faults off and the load on, waits until every gateway is ready, no session is left idle in
 * its transaction and no request has failed for a second. All that has to be so within ten seconds.
 */
export async function awaitRecovery(world: World, load: Load, findings: Findings): Promise<void> {
  const endedAt = performance.now();
  let brokenAt = endedAt;
  let obstacle: string | null = null;
  for (;;) {
    const found = await findObstacle(world);
    if (found !== null) {
      obstacle = found;
      brokenAt = performance.now();
    } else if (load.lastFailureSentAt > brokenAt) {
      obstacle = "requests fail";
      brokenAt = load.lastFailureSentAt;
    }
    if (brokenAt - endedAt > recoveryMsMax) {
      findings.add("notRecovered", `After ${Math.round(brokenAt - endedAt)} ms: ${obstacle}`);
      break;
    }
    if (performance.now() - brokenAt > quietMs) break;
    await wait(100);
  }
  findings.tally.recoveryMsMax = Math.round(brokenAt - endedAt);
}

async function findObstacle(world: World): Promise<string | null> {
  for (const { url } of world.stations) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.status !== 200) return "a gateway is not ready";
    await answer.arrayBuffer();
  }
  // What runs is idle between two statements too, but not for a second.
  const idle = await world
    .query(
      `SELECT pid FROM pg_stat_activity
       WHERE state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'
         AND application_name LIKE 'inventory-gateway%'`,
    )
    .catch(() => null);
  if (idle === null) return "the database can't be reached";
  return idle.length > 0 ? "a session is idle in its transaction" : null;
}
