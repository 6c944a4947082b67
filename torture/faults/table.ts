import { clockJumps } from "./clock.ts";
import { delayedDuplicates } from "./duplicates.ts";
import { diskFaults } from "./disks.ts";
import { failoverFaults } from "./failover.ts";
import type { Fault } from "./fault.ts";
import { networkFaults } from "./network.ts";
import { overload } from "./overload.ts";
import { processFaults } from "./processes.ts";
import { sessionFaults } from "./sessions.ts";

/** Every fault there is: one that is not here does not happen. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...sessionFaults,
  delayedDuplicates,
  clockJumps,
  ...diskFaults,
  ...failoverFaults,
  overload,
];
