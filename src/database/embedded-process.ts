import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { errorCodeOf } from "../error-message.ts";
import type { Launch } from "./embedded-user.ts";

/** The server that postmaster.pid tells of. */
export interface RunningServer {
  readonly pid: number;
  /** Null while it has not opened one. */
  readonly port: number | null;
}

/** A program was ended by a signal, and so for no reason of its own. */
export class EndedBySignalError extends Error {
  override readonly name = "EndedBySignalError";
}

/** Programs of PostgreSQL get nothing of the gateway's environment: it holds secrets, and PG… variables would be obeyed. */
const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" };

/**
 * Runs a program to its end, in a process group of its own: Ctrl-C reaches the gateway alone, and nothing is left half made.
 * @throws EndedBySignalError, Error with what it wrote last
 */
export async function run(launch: Launch, cwd: string, timeoutMs: number): Promise<void> {
  const child = spawn(launch.file, [...launch.args], {
    ...identityOf(launch),
    cwd,
    env: environment,
    timeout: timeoutMs,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const { exitCode, signalCode } = child;
  if (exitCode === 0) return;
  if (signalCode !== null) throw new EndedBySignalError(`${launch.file} was ended by ${signalCode}`);
  const lastWords = lastLines(stderr === "" ? stdout : stderr);
  throw new Error(`${launch.file} failed: ${lastWords || `exit code ${exitCode}`}`);
}

/**
 * Starts a server in a process group of its own: Ctrl-C reaches the gateway alone, which stops the server when it has drained.
 * @returns resolves with the last lines of its log once it has ended
 */
export function launchServer(
  launch: Launch,
  cwd: string,
  logFile: string,
): { readonly pid: number; readonly ended: Promise<string> } {
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(launch.file, [...launch.args], {
      ...identityOf(launch),
      cwd,
      env: environment,
      detached: true,
      stdio: ["ignore", log, log],
    });
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", () => resolve(existsSync(logFile) ? lastLines(readFileSync(logFile, "utf8")) : ""));
    });
    // The gateway's own connections keep it alive; a server that is still running must not.
    child.unref();
    return { pid: child.pid ?? 0, ended };
  } finally {
    closeSync(log);
  }
}

/** Reads postmaster.pid. @returns null where no server runs on that folder */
export async function findRunningServer(
  databaseDir: string,
  pidFile = "postmaster.pid",
): Promise<RunningServer | null> {
  const text = await readFile(join(databaseDir, pidFile), "utf8").catch((error: unknown) => {
    if (errorCodeOf(error) === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isServerOf(pid, databaseDir)) return null;
  const port = Number(lines[3]);
  return { pid, port: Number.isSafeInteger(port) && port > 0 ? port : null };
}

/** Whether the process lives and, where the system tells, is a PostgreSQL of that folder: after a reboot the number may be another's. */
function isServerOf(pid: number, databaseDir: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== "linux") return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(databaseDir);
  } catch (error) {
    // A process that has ended and waits to be collected has no folder any more; one of another user's won't show it.
    return errorCodeOf(error) !== "ENOENT";
  }
}

/**
 * Stops a server: fast, which ends sessions and writes everything out; then at once, which leaves recovery to the next
 * start; then by force.
 */
export async function stopServer(pid: number, databaseDir: string): Promise<void> {
  const steps = [
    { signal: "SIGINT", waitMs: 30_000 },
    { signal: "SIGQUIT", waitMs: 5_000 },
    { signal: "SIGKILL", waitMs: 5_000 },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (!isServerOf(pid, databaseDir)) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended in between, which the next look shows.
    }
    const deadline = performance.now() + waitMs;
    while (isServerOf(pid, databaseDir) && performance.now() < deadline) await wait(10);
  }
}

/** A port on loopback that nothing listens on now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("No port was given"));
      });
    });
  });
}

/** Whether there is a process of that number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === "EPERM";
  }
}

function identityOf({ uid, gid }: Launch): { uid?: number; gid?: number } {
  return uid === undefined || gid === undefined ? {} : { uid, gid };
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-6).join("\n");
}
