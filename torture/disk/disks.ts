import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../daemons.ts";
import { packageRoot } from "../package-root.ts";
import { debianTools, findMissing, pathOf } from "../packages.ts";
import type { Database, Setting } from "../world/database.ts";
import { OwnPostgres } from "./own-postgres.ts";

const run = promisify(execFile);
const shimSource = join(packageRoot, "torture/disk/faulty-disk.c");

/** A PostgreSQL whose disk can be made slow, and made to fail: see faulty-disk.c. */
export class FaultyDisk implements Database {
  readonly url: string;
  readonly #server: OwnPostgres;

  private constructor(server: OwnPostgres) {
    this.#server = server;
    this.url = server.url;
  }

  static async open(folder: string): Promise<FaultyDisk> {
    const shim = join(folder, "faulty-disk.so");
    await run(pathOf(debianTools.compiler), ["-shared", "-fPIC", "-O2", "-o", shim, shimSource, "-ldl"], {
      cwd: folder,
    });
    return new FaultyDisk(await OwnPostgres.open(folder, { environment: { LD_PRELOAD: shim, FAULTY_DISK: folder } }));
  }

  /** What is written takes so much longer to be on disk. Resolves when something has. */
  async slowDown(fromMs: number, toMs: number): Promise<void> {
    await rm(this.#delayed, { force: true });
    await writeFile(join(this.#server.folder, "delay"), `${fromMs} ${toMs}\n`);
    await eventually("a flush that takes longer", async () => existsSync(this.#delayed), 20_000);
  }

  /** @returns how many flushes took longer */
  async speedUp(): Promise<number> {
    await rm(join(this.#server.folder, "delay"));
    return (await stat(this.#delayed)).size;
  }

  /** Lets one flush fail. Resolves when it has. */
  async failOnce(): Promise<void> {
    const order = join(this.#server.folder, "fail");
    await writeFile(order, "");
    await eventually("a flush that fails", async () => !existsSync(order), 20_000);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Has a byte for each flush that took longer. */
  get #delayed(): string {
    return join(this.#server.folder, "delayed");
  }
}

export const faultyDisk: Setting<FaultyDisk> = {
  name: "faulty-disk",
  openDatabase: (folder) => FaultyDisk.open(folder),
  findObstacle: () => findMissing(debianTools.postgres, debianTools.compiler),
};

const smallDiskMegabytes = 160;

/** A PostgreSQL on a disk of its own that is small enough to fill: a tmpfs. */
export class SmallDisk implements Database {
  readonly url: string;
  readonly #server: OwnPostgres;

  private constructor(server: OwnPostgres) {
    this.#server = server;
    this.url = server.url;
  }

  static async open(folder: string): Promise<SmallDisk> {
    const disk = join(folder, "disk");
    await mkdir(disk);
    await run("mount", ["-t", "tmpfs", "-o", `size=${smallDiskMegabytes}m`, "inventory-gateway-torture", disk]);
    // A disk that is full takes no memory away.
    return new SmallDisk(await OwnPostgres.open(disk, { sharedFolder: join(folder, "shared") }));
  }

  /** Leaves no room for anything. */
  async fill(): Promise<void> {
    const ballast = await open(this.#ballast, "a");
    const block = Buffer.alloc(65_536);
    try {
      for (let length = block.length; length >= 512; length /= 2)
        while (await fits(ballast, block.subarray(0, length)));
    } finally {
      await ballast.close();
    }
  }

  async empty(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  get #ballast(): string {
    return join(this.#server.folder, "ballast");
  }
}

/** @returns false where there was no room for it */
async function fits(file: Awaited<ReturnType<typeof open>>, block: Buffer): Promise<boolean> {
  try {
    return (await file.write(block)).bytesWritten === block.length;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}

export const smallDisk: Setting<SmallDisk> = {
  name: "small-disk",
  openDatabase: (folder) => SmallDisk.open(folder),
  findObstacle: (runFolder) => findMissing(debianTools.postgres) ?? findMountObstacle(runFolder),
};

/** Root alone may mount, and in many containers not even root. */
function findMountObstacle(runFolder: string): string | null {
  const folder = mkdtempSync(join(runFolder, "mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "inventory-gateway-torture", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return null;
  } catch {
    return "this machine does not let this user mount a tmpfs";
  } finally {
    rmdirSync(folder);
  }
}
