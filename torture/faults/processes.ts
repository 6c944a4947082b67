import { killIfThere, signalIfThere } from "../daemons.ts";
import { embedded } from "../world/embedded-database.ts";
import type { EmbeddedDatabase } from "../world/embedded-database.ts";
import type { Fault } from "./fault.ts";
import { instant, nothingToEnd, repeated } from "./holds.ts";

/** Pauses of a process: ten seconds where there is time. */
const stopHold = { short: 1_000, long: 10_000 } as const;

const killGateway: Fault = {
  name: "kill-gateway",
  description: "kill -9 of one gateway; a supervisor starts it again",
  needs: embedded,
  holdMs: instant,
  begin: async ({ world, random, findings }) => {
    if (await random.pick(world.stations).process.kill()) findings.strike();
    return nothingToEnd;
  },
};

const killAllGateways: Fault = {
  name: "kill-all-gateways",
  description: "kill -9 of all gateways at once",
  needs: embedded,
  holdMs: instant,
  begin: async ({ world, findings }) => {
    const wereThere = await Promise.all(world.stations.map(({ process }) => process.kill()));
    findings.strike(wereThere.filter(Boolean).length);
    return nothingToEnd;
  },
};

const stopGateway: Fault = {
  name: "stop-gateway",
  description: "SIGSTOP of one gateway, then SIGCONT",
  needs: embedded,
  holdMs: stopHold,
  begin: async ({ world, random, findings }) => {
    const { process } = random.pick(world.stations);
    if (process.signal("SIGSTOP")) findings.strike();
    return async () => {
      process.signal("SIGCONT");
    };
  },
};

const rollingRestart: Fault = {
  name: "rolling-restart",
  description: "SIGTERM to one gateway after the other, as a deployment does",
  needs: embedded,
  holdMs: instant,
  begin: async ({ world, findings }) => {
    for (const { process } of world.stations) {
      const code = await process.restart();
      if (code !== null) findings.strike();
      if (code !== 0) process.crashes.push(`A gateway ended with ${code} after SIGTERM`);
    }
    return nothingToEnd;
  },
};

/** The one that tells whether what was acknowledged is on disk. */
export const killPostmaster: Fault<EmbeddedDatabase> = {
  name: "kill-postmaster",
  description: "kill -9 of PostgreSQL's postmaster; a supervisor starts it again",
  needs: embedded,
  holdMs: instant,
  begin: async ({ world, findings }) => {
    if (killIfThere(await world.database.findPid())) findings.strike();
    return nothingToEnd;
  },
};

const gatewaySessions = `
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'inventory-gateway%' ORDER BY pid`;

const killBackend: Fault = {
  name: "kill-backend",
  description: "kill -9 of one backend of PostgreSQL, which ends all sessions and recovers",
  needs: embedded,
  holdMs: instant,
  begin: async ({ world, random, findings }) => {
    const sessions = await world.query<{ pid: number }>(gatewaySessions);
    if (killIfThere(random.pick(sessions).pid)) findings.strike();
    return nothingToEnd;
  },
};

const endSessions: Fault = {
  name: "end-sessions",
  description: "an administrator ends the gateways' sessions, again and again",
  needs: embedded,
  holdMs: { short: 600, long: 4_000 },
  begin: repeated(
    async ({ world, findings }) => {
      const ended = await world.query(`SELECT FROM (${gatewaySessions}) AS sessions WHERE pg_terminate_backend(pid)`);
      findings.strike(ended.length);
    },
    { min: 20, max: 300 },
  ),
};

const stopDatabase: Fault<EmbeddedDatabase> = {
  name: "stop-database",
  description: "SIGSTOP of the postmaster and all backends, then SIGCONT",
  needs: embedded,
  holdMs: stopHold,
  begin: async ({ world, findings }) => {
    const sessions = await world.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    );
    const pids = [await world.database.findPid(), ...sessions.map(({ pid }) => pid)];
    findings.strike(pids.filter((pid) => signalIfThere(pid, "SIGSTOP")).length);
    return async () => {
      for (const pid of pids) signalIfThere(pid, "SIGCONT");
    };
  },
};

/** What happens to processes. */
export const processFaults: readonly Fault[] = [
  killGateway,
  killAllGateways,
  stopGateway,
  rollingRestart,
  killPostmaster,
  killBackend,
  endSessions,
  stopDatabase,
];
