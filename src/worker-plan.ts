import { availableParallelism } from "node:os";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";

/** How many processes serve, and what each may take. */
export interface WorkerPlan {
  readonly count: number;
  /** Connections for reading, of each. */
  readonly databasePoolSize: number;
}

/** For the feed, and for what it is told by. */
const feedConnections = 4;
/** For the process that starts the workers, and for a command beside it. */
const primaryConnections = 6;

/**
 * Decides how many workers there are, so that the database has connections for all of them.
 * @param connectionsMax how many the database server takes
 * @throws ConfigError where the settings ask for more
 */
export function planWorkers(
  { workers, lanes, databasePoolSize }: Pick<Config, "workers" | "lanes" | "databasePoolSize">,
  connectionsMax: number,
  cores = availableParallelism(),
): WorkerPlan {
  const poolSizeOf = (count: number): number => Math.max(1, Math.floor(databasePoolSize / count));
  const needOf = (count: number): number =>
    count * (lanes + 1 + poolSizeOf(count) + feedConnections) + primaryConnections;
  if (workers !== "cores" && workers > 1 && needOf(workers) > connectionsMax)
    throw new ConfigError(
      `WORKERS: ${workers} workers take up to ${needOf(workers)} database connections, and the server has ${connectionsMax}`,
    );
  let count = workers === "cores" ? cores : workers;
  while (count > 1 && needOf(count) > connectionsMax) count -= 1;
  return { count, databasePoolSize: poolSizeOf(count) };
}
