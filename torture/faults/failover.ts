import { setTimeout as wait } from "node:timers/promises";
import { asynchronousFailover, failover } from "../failover/cluster.ts";
import type { FailoverCluster } from "../failover/cluster.ts";
import type { EndFault, Fault } from "./fault.ts";
import { instant, nothingToEnd } from "./holds.ts";

/** One that was killed comes back when the others have taken over what it did. */
function revivalOf(database: FailoverCluster, member: string): EndFault {
  return async () => {
    await database.waitUntilReady();
    await database.revive(member);
  };
}

/** The primary is gone: a standby takes its place, and it comes back as a standby. */
const killPrimary: Fault<FailoverCluster> = {
  name: "kill-primary",
  description: "kill -9 of the primary's PostgreSQL and Patroni; the synchronous standby takes over",
  needs: failover,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.waitUntilReady();
    const primary = await database.findPrimary();
    if (await database.kill(primary)) findings.strike();
    return revivalOf(database, primary);
  },
};

/** It goes on where it was, and still believes to be the primary: nothing it says may be believed. */
const hangPrimary: Fault<FailoverCluster> = {
  name: "hang-primary",
  description: "SIGSTOP of everything of the primary until another one has taken over, then SIGCONT",
  needs: failover,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.waitUntilReady();
    const primary = await database.findPrimary();
    await database.signal(primary, "SIGSTOP");
    return async () => {
      await database.waitForAnother(primary);
      findings.strike();
      await database.signal(primary, "SIGCONT");
      await database.waitUntilReady();
    };
  },
};

/** Commits wait until another standby has been made the synchronous one. */
const killStandby: Fault<FailoverCluster> = {
  name: "kill-standby",
  description: "kill -9 of the synchronous standby's PostgreSQL and Patroni; another one takes its place",
  needs: failover,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.waitUntilReady();
    const standby = await database.findSynchronousStandby();
    if (await database.kill(standby)) findings.strike();
    return revivalOf(database, standby);
  },
};

const switchOver: Fault<FailoverCluster> = {
  name: "switchover",
  description: "primary and synchronous standby change places in order",
  needs: failover,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.waitUntilReady();
    const primary = await database.findPrimary();
    await database.switchOver();
    await database.waitUntilReady();
    if ((await database.findPrimary()) !== primary) findings.strike();
    return nothingToEnd;
  },
};

/** For a control: what is committed while the standbys hang is on the primary alone. */
export const losePrimary: Fault<FailoverCluster> = {
  name: "lose-primary",
  description: "the standbys hang for a second; then the primary is killed",
  needs: asynchronousFailover,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.waitUntilReady();
    const primary = await database.findPrimary();
    const standbys = database.members.filter((name) => name !== primary);
    for (const name of standbys) await database.signal(name, "SIGSTOP");
    await wait(1_000);
    if (await database.kill(primary)) findings.strike();
    for (const name of standbys) await database.signal(name, "SIGCONT");
    return revivalOf(database, primary);
  },
};

/** What happens to a cluster that fails over. */
export const failoverFaults: readonly Fault<FailoverCluster>[] = [killPrimary, hangPrimary, killStandby, switchOver];
