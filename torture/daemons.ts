import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { chown, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { serviceUser } from "./packages.ts";

/** Writes a configuration file that only the services' user can read: it holds passwords. @returns its path */
export async function writeForService(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  await giveToService(path);
  return path;
}

/** Makes the user that services run as the owner. */
export async function giveToService(path: string): Promise<void> {
  const user = serviceUser();
  if (user !== null) await chown(path, user.uid, user.gid);
}

/** The last lines of a log, for those who look for why something doesn't work. */
export async function lastLinesOf(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").slice(-15).join("\n");
}

/** How a program is run. */
export interface DaemonProgram {
  /** Names its log, too. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Where it works; what it says goes to a log there. */
  readonly folder: string;
  /** Besides the usual. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program that runs until it is killed, as the services' user and in a process group of its own. */
export class Daemon {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;

  constructor({ name, file, args, folder, environment = {} }: DaemonProgram) {
    this.name = name;
    const log = openSync(join(folder, `${name}.log`), "a", 0o644);
    try {
      this.#child = spawn(file, [...args], {
        ...serviceUser(),
        cwd: folder,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", HOME: folder, ...environment },
        detached: true,
        stdio: ["ignore", log, log],
      });
    } finally {
      closeSync(log);
    }
    this.pid = this.#child.pid ?? 0;
    this.ended = once(this.#child, "exit");
  }

  /** Stops and continues its process group. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    process.kill(-this.pid, signal);
  }

  /** Kills its process group, and waits for the end of the program itself. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    killIfThere(-this.pid);
    await this.ended;
  }
}

/** Kills a process, or a group if negative. @returns whether it was there */
export function killIfThere(pid: number): boolean {
  return signalIfThere(pid, "SIGKILL");
}

/** Sends a signal to a process, or to a group if negative. @returns whether it was there */
export function signalIfThere(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended: then there is nothing to be done.
    return false;
  }
}

/**
 * The processes that a process has started and that still run. Each is asked for its parent: the kernel's list of a process's
 * children leaves some out where others of them end meanwhile.
 */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const all = (await readdir("/proc")).map(Number).filter((other) => other > 0);
  const parents = await Promise.all(all.map(parentOf));
  return all.filter((_, index) => parents[index] === pid);
}

/** Null for a process that has ended. */
async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The program's name stands in brackets before its state and its parent, and may have brackets and spaces of its own.
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2]);
}

/** Ports of the loopback interface that nobody listens on. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
  return ports;
}

/** Asks again and again until it is so: for what tells nobody when it happens. @throws Error that says what was not so */
export async function eventually(what: string, isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await wait(50);
  }
}
