import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { serviceUser } from "../packages.ts";

/** Ends every postmaster below the folder and removes it, should this process be killed: at most two seconds later. */
const cleanUpScript = `
  while kill -0 "$1" 2>/dev/null; do sleep 2; done
  for daemon in $(cat "$2/daemons" 2>/dev/null); do kill -KILL "-$daemon" 2>/dev/null; done
  for file in "$2"/*/data/postmaster.pid; do [ -e "$file" ] && kill -KILL "$(head -n 1 "$file")" 2>/dev/null; done
  sleep 1
  rm -rf "$2"`;

/** A folder below the system's for temporary files, and the programs that work in it: none of them outlives this process. */
export class Workshop {
  readonly folder: string;
  readonly #daemons: Daemon[] = [];
  readonly #watcher: ChildProcess;

  private constructor(folder: string) {
    this.folder = folder;
    const args = ["-c", cleanUpScript, "sh", String(process.pid), folder];
    this.#watcher = spawn("sh", args, { detached: true, stdio: "ignore" });
    this.#watcher.unref();
  }

  static async open(): Promise<Workshop> {
    const folder = await mkdtemp(join(tmpdir(), "inventory-gateway-torture-"));
    const user = serviceUser();
    if (user !== null) await chown(folder, user.uid, user.gid);
    return new Workshop(folder);
  }

  /** Writes a configuration file that only the service's user can read. @returns its path */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, text, { mode: 0o600 });
    const user = serviceUser();
    if (user !== null) await chown(path, user.uid, user.gid);
    return path;
  }

  /** Starts a program in a process group of its own; what it says goes to a log file. */
  async start(name: string, file: string, args: readonly string[]): Promise<Daemon> {
    const daemon = new Daemon(name, file, args, this.folder);
    this.#daemons.push(daemon);
    await writeFile(join(this.folder, "daemons"), this.#daemons.map(({ pid }) => pid).join("\n"));
    return daemon;
  }

  /** The last lines that a program wrote, for those who look for why it doesn't work. */
  async logOf(name: string): Promise<string> {
    const text = await readFile(join(this.folder, `${name}.log`), "utf8").catch(() => "");
    return text.split("\n").slice(-15).join("\n");
  }

  /** Kills what still runs, newest first, and removes the folder. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) await daemon.kill();
    this.#watcher.kill("SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** A program that runs until it is killed. */
export class Daemon {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  constructor(name: string, file: string, args: readonly string[], folder: string) {
    this.name = name;
    const log = openSync(join(folder, `${name}.log`), "a", 0o644);
    try {
      this.#child = spawn(file, [...args], {
        ...serviceUser(),
        cwd: folder,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", HOME: folder },
        detached: true,
        stdio: ["ignore", log, log],
      });
    } finally {
      closeSync(log);
    }
    this.pid = this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Kills its process group, and waits for the end of the program itself. */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, "exit");
    killIfThere(-this.pid);
    await ended;
  }
}

/** Kills a process, or a group if negative. @returns false where there is none */
export function killIfThere(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
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
