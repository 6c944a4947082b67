import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killIfThere } from "./daemons.ts";

/** So long what has been killed may take to be gone, in milliseconds. */
const endMsMax = 5_000;
const lookEveryMs = 20;

/**
 * For each PostgreSQL of a run: what its processes share besides lies in their data folder. In /dev/shm one that is killed would
 * leave pieces that nothing tells whose they are.
 */
export const sharedMemoryInFiles = { dynamic_shared_memory_type: "mmap" } as const;

/** What ends a run early, and the exit code that says so, as a shell would. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Makes the folder of this run, which everything that the run starts works in: that is what it is known by. However this
 * process ends, what works there ends with it, and the folder is removed.
 */
export function openRunFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "inventory-gateway-torture-")));
  // As root the servers are another user's, who has to get in.
  chmodSync(folder, 0o755);
  const stopWatching = clearWhenKilled(folder);
  process.on("exit", () => {
    try {
      clearFolder(folder);
    } catch (error) {
      console.error(error);
      process.exitCode ||= 1;
    }
    stopWatching();
  });
  for (const [signal, code] of Object.entries(exitCodes)) process.on(signal, () => process.exit(code));
  return folder;
}

/**
 * Kills everything that works in a folder, however it was started, and removes the folder with what is mounted in it. It
 * does so without a turn of the event loop: no supervisor of this process starts anything again meanwhile.
 * @throws Error that says what is still there
 */
export function clearFolder(folder: string): void {
  endProcessesIn(folder);
  for (const id of sharedMemoryOf(folder)) runQuietly("ipcrm", ["-m", id]);
  for (const path of mountsIn(folder)) runQuietly("umount", ["--lazy", path]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** kill -9 leaves this process no time: another one, in a session of its own, hears of its end by that of a pipe. */
function clearWhenKilled(folder: string): () => void {
  const program = `
    import { clearFolder } from ${JSON.stringify(import.meta.url)};
    process.stdin.resume().once("end", () => clearFolder(process.argv[1]));`;
  const watcher = spawn(process.execPath, ["--input-type=module", "--eval", program, folder], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.unref();
  return () => {
    watcher.kill("SIGKILL");
  };
}

/** Again and again, until two looks in a row find none: who is killed may have started another one just before. */
function endProcessesIn(folder: string): void {
  const deadline = performance.now() + endMsMax;
  for (let emptyLooks = 0; emptyLooks < 2;) {
    const pids = processesIn(folder);
    emptyLooks = pids.length === 0 ? emptyLooks + 1 : 0;
    if (performance.now() > deadline) throw new Error(`In ${folder} there still run ${pids.join(", ")}`);
    for (const pid of pids) killIfThere(pid);
    sleep(lookEveryMs);
  }
}

/** PostgreSQL works in its data folder, a daemon and what it starts in that of its world. One that is a zombie works nowhere. */
function processesIn(folder: string): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && `${workingFolderOf(pid)}/`.startsWith(`${folder}/`));
}

function workingFolderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It has ended, or it is somebody else's.
    return null;
  }
}

/** A PostgreSQL that was killed leaves the piece of shared memory that keeps a second one off; the file of its process names it. */
function sharedMemoryOf(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("/postmaster.pid"),
  );
  return files.flatMap((path) => {
    const [, , , , , , keyAndId = ""] = readFileSync(join(folder, path), "utf8").split("\n");
    const id = keyAndId.trim().split(/ +/)[1];
    return id === undefined ? [] : [id];
  });
}

/** The last one first: it may be mounted in another. */
function mountsIn(folder: string): readonly string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed();
}

/** What it is to remove may be gone. */
function runQuietly(file: string, args: readonly string[]): void {
  try {
    execFileSync(file, args, { stdio: "ignore" });
  } catch {
    // If it is not, the folder can't be removed either, and that is said.
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
