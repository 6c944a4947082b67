import { faultyDisk, smallDisk } from "../disk/disks.ts";
import type { FaultyDisk, SmallDisk } from "../disk/disks.ts";
import { untilTold } from "./database-errors.ts";
import type { Fault } from "./fault.ts";
import { instant, nothingToEnd, usualHold } from "./holds.ts";

const slowDisk: Fault<FaultyDisk> = {
  name: "slow-disk",
  description: "each flush to PostgreSQL's disk takes 150 to 400 ms longer",
  needs: faultyDisk,
  holdMs: usualHold,
  begin: async ({ world: { database }, findings }) => {
    await database.slowDown(150, 400);
    return async () => {
      findings.strike(await database.speedUp());
    };
  },
};

/** PostgreSQL doesn't know then what is on disk: it ends all sessions and recovers from its log. */
const failingDisk: Fault<FaultyDisk> = {
  name: "failing-disk",
  description: "one flush to PostgreSQL's disk fails with EIO",
  needs: faultyDisk,
  holdMs: instant,
  begin: async ({ world: { database }, findings }) => {
    await database.failOnce();
    findings.strike();
    return nothingToEnd;
  },
};

/** What is written last has no room any more: PostgreSQL refuses it, or ends until there is some. */
const fullDisk: Fault<SmallDisk> = {
  name: "full-disk",
  description: "no room on PostgreSQL's disk, then some again",
  needs: smallDisk,
  holdMs: { short: 3_000, long: 8_000 },
  begin: untilTold(["diskFull", "crashShutdown", "cannotConnectNow"], async ({ world: { database } }) => {
    await database.fill();
    return () => database.empty();
  }),
};

/** What happens to the database's disk. */
export const diskFaults: readonly (Fault<FaultyDisk> | Fault<SmallDisk>)[] = [slowDisk, failingDisk, fullDisk];
