import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../config.ts";

/** Who a program of PostgreSQL runs as: PostgreSQL refuses to be root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** How to start a program. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Chooses the user of the embedded PostgreSQL.
 * @param databaseDir an existing database keeps its owner
 * @returns null where this process isn't root: then it is this process's own user
 * @throws ConfigError where the database belongs to a user that this process can't become
 */
export function chooseServerUser(databaseDir: string): ServerUser | null {
  const own = process.getuid?.();
  const owner = ownerOf(databaseDir);
  if (own === undefined) return null;
  if (own !== 0) {
    if (owner !== null && owner.uid !== own)
      throw new ConfigError(
        `DATA_DIR: ${databaseDir} belongs to another user (uid ${owner.uid}), and this process is not root`,
      );
    return null;
  }
  for (const user of [owner, ownerOf(packageRoot), findUser("postgres"), findUser("nobody")]) {
    if (user !== null && user.uid !== 0) return user;
  }
  throw new ConfigError(
    "The embedded PostgreSQL can't run as root, and there is no other user: run the gateway as one, or set DATABASE_URL",
  );
}

/**
 * Says how to start a program as that user. Where the user can't enter the folders on the way, as in a clone below
 * /root, it is given the one capability that lets it pass (`setpriv` is part of util-linux, on every Debian). Programs
 * ask access(2) first, which forgets capabilities unless no_setuid_fixup is set.
 * @param paths what it has to reach
 */
export function launchAs(
  user: ServerUser | null,
  paths: readonly string[],
  file: string,
  args: readonly string[],
): Launch {
  if (user === null) return { file, args };
  if (paths.every((path) => canReach(user, path))) return { file, args, uid: user.uid, gid: user.gid };
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const capabilities = ["--inh-caps", "--ambient-caps", "--bounding-set"].map((set) => `${set}=-all,+dac_override`);
  return {
    file: "setpriv",
    args: [...identity, "--securebits=+no_setuid_fixup", ...capabilities, "--", file, ...args],
  };
}

/** Whether every folder above the path lets the user through, and the path itself lets it read. */
function canReach(user: ServerUser, path: string): boolean {
  if (!allows(user, path, 0o5)) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!allows(user, folder, 0o1)) return false;
    if (folder === dirname(folder)) return true;
  }
}

function allows(user: ServerUser, path: string, wanted: number): boolean {
  const { uid, gid, mode } = statSync(path);
  const granted = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
  return (granted & wanted) === wanted;
}

function ownerOf(path: string): ServerUser | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : { uid: stats.uid, gid: stats.gid };
}

function findUser(name: string): ServerUser | null {
  try {
    const idOf = (option: string): number =>
      Number(execFileSync("id", [option, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    return null;
  }
}
