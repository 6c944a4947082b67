import { randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { rename, rm, stat, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "pg";
import { ConfigError } from "../config.ts";
import { unusable } from "./embedded-cluster.ts";
import type { Cluster, ServerSettings } from "./embedded-cluster.ts";
import { findFreePort, findRunningServer, isAlive, launchServer, stopServer } from "./embedded-process.ts";
import { launchAs } from "./embedded-user.ts";

/** An embedded server that answers and that no other gateway may take. */
export interface OwnServer {
  readonly pid: number;
  readonly port: number;
  /** The session that holds the lock: it ends with the server. */
  readonly owner: Client;
}

/** How a server is reached, besides where it lives. */
export interface Reach {
  readonly cluster: Cluster;
  readonly password: string;
  /** Where it has to listen if it is started; null: anywhere. */
  readonly port: number | null;
  /** Once aborted, nothing is started any more. */
  readonly signal: AbortSignal;
}

/** The gateway's database on that server. */
export const databaseName = "inventory_gateway";
/** Recovery after a crash is part of it. */
const startTimeoutMs = 60_000;
/** A port may be taken in between, or what a killed server has left may take a moment to end. */
const startsMax = 8;
/** Held in the server's `postgres` database by the gateway that owns it, for as long as it lives. */
const ownerLock = "7236042117310532";
const ownerLockWaitMs = 1_500;
const logBytesMax = 1_048_576;

/** The URL of a database on the embedded server. */
export function connectionOf(port: number, password: string, database: string): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Takes the server that runs, or starts one, and makes it ours. When two start at once PostgreSQL itself lets one of
 * them run, and the lock tells whose it is.
 */
export async function reachServer(reach: Reach): Promise<OwnServer> {
  const { cluster, signal } = reach;
  const deadline = performance.now() + startTimeoutMs;
  let lastWords = "it did not answer";
  for (let attempt = 1; attempt <= startsMax && performance.now() < deadline && !signal.aborted; attempt += 1) {
    const running = await findRunningServer(cluster.databaseDir);
    if (running !== null) {
      const server = await own(reach, running.pid, deadline);
      if (server !== null) return server;
      await stopServer(running.pid, cluster.databaseDir);
    }
    await moveForeignPidFile(cluster.databaseDir);
    const { pid, ended } = await launch(cluster, reach.port);
    const server = await own(reach, pid, deadline);
    if (server !== null) return server;
    // One that runs and does not answer to our password is not left behind.
    await stopServer(pid, cluster.databaseDir);
    lastWords = await Promise.race([ended, wait(100, lastWords)]);
    await wait(100 * attempt);
  }
  throw unusable(cluster, new Error(lastWords));
}

/**
 * Waits until the server of that process answers to our password, for which it may have to recover first, and takes the
 * lock of its owner.
 * @returns null where it ends, or does not answer in time
 * @throws ConfigError where another gateway holds the lock
 */
async function own({ cluster, password, signal }: Reach, pid: number, deadline: number): Promise<OwnServer | null> {
  while (performance.now() < deadline && isAlive(pid) && !signal.aborted) {
    const running = await findRunningServer(cluster.databaseDir);
    const owner =
      running === null || running.port === null
        ? null
        : await connect(connectionOf(running.port, password, "postgres"));
    if (running === null || running.port === null || owner === null) {
      await wait(10);
      continue;
    }
    try {
      await takeOwnerLock(owner, cluster);
      await createDatabase(owner);
      return { pid: running.pid, port: running.port, owner };
    } catch (error) {
      await owner.end().catch(() => undefined);
      if (error instanceof ConfigError) throw error;
    }
  }
  return null;
}

/** @returns null while the server takes no sessions */
async function connect(url: string): Promise<Client | null> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
    keepAlive: true,
  });
  // The session ends with the server; a query that runs then is rejected anyway.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    await client.end().catch(() => undefined);
    return null;
  }
}

/** Waits a moment: PostgreSQL may not have noticed yet that a killed gateway is gone. */
async function takeOwnerLock(client: Client, { dataDir, databaseDir }: Cluster): Promise<void> {
  const deadline = performance.now() + ownerLockWaitMs;
  do {
    const { rows } = await client.query<{ locked: boolean; folder: string }>(
      "SELECT pg_try_advisory_lock($1) AS locked, current_setting('data_directory') AS folder",
      [ownerLock],
    );
    // The gateway that started it may have come to the folder by another name.
    if (realpathSync(rows[0]?.folder ?? "") !== realpathSync(databaseDir)) throw new Error("Another server answered");
    if (rows[0]?.locked === true) return;
    await wait(50);
  } while (performance.now() < deadline);
  throw new ConfigError(
    `DATA_DIR: another gateway is running on ${dataDir}; give this one a folder of its own, or both one DATABASE_URL`,
  );
}

async function createDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
}

/**
 * A postmaster.pid whose number belongs to another program since a reboot can keep PostgreSQL from starting. It is moved
 * and looked at again, so that one that a start at the same moment has just written is put back.
 */
async function moveForeignPidFile(databaseDir: string): Promise<void> {
  const pidFile = join(databaseDir, "postmaster.pid");
  const aside = `${pidFile}.${randomBytes(6).toString("hex")}`;
  if (!existsSync(pidFile) || (await findRunningServer(databaseDir)) !== null) return;
  await rename(pidFile, aside);
  if ((await findRunningServer(databaseDir, basename(aside))) === null) await rm(aside);
  else await rename(aside, pidFile);
}

async function launch(
  { dataDir, databaseDir, user, binaries, settings }: Cluster,
  port: number | null,
): Promise<ReturnType<typeof launchServer>> {
  const logFile = join(dataDir, "postgres.log");
  const { size } = await stat(logFile).catch(() => ({ size: 0 }));
  if (size > logBytesMax) await truncate(logFile);
  const all: ServerSettings = {
    listen_addresses: "127.0.0.1",
    port: String(port ?? (await findFreePort())),
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    cluster_name: "inventory-gateway",
    ...settings,
  };
  const args = ["-D", databaseDir, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  return launchServer(
    launchAs(user, [databaseDir, dirname(binaries.postgres)], binaries.postgres, args),
    dataDir,
    logFile,
  );
}
