import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "pg";
import { sharedMemoryInFiles } from "../run-folder.ts";
import { Daemon, eventually, findFreePorts, giveToService, lastLinesOf } from "../daemons.ts";
import { debianTools, pathOf, serviceUser } from "../packages.ts";
import type { Database } from "../world/database.ts";

const run = promisify(execFile);
const startTimeoutMs = 30_000;

export interface OwnPostgresOptions {
  /** What its processes have in theirs, besides the usual. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where files stand for shared memory, if not on the same disk; it is made. */
  readonly sharedFolder?: string;
}

/** Debian's PostgreSQL on a disk that things happen to: what it is started with can be chosen. It is brought back when it ends. */
export class OwnPostgres implements Database {
  readonly url: string;
  /** Holds all of its files. */
  readonly folder: string;
  readonly #port: number;
  readonly #environment: Readonly<Record<string, string>>;
  #daemon: Daemon | null = null;
  #isClosing = false;
  #revival: Promise<void> = Promise.resolve();

  private constructor(folder: string, port: number, password: string, environment: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#port = port;
    this.#environment = environment;
    this.url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  }

  /** @param folder exists, and is its own */
  static async open(folder: string, { environment = {}, sharedFolder }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
    const [port = 0] = await findFreePorts(1);
    const password = randomBytes(18).toString("base64url");
    const server = new OwnPostgres(folder, port, password, environment);
    await giveToService(folder);
    await server.#initialize(password);
    if (sharedFolder !== undefined) await server.#shareIn(sharedFolder);
    try {
      await server.#start();
    } catch (error) {
      const said = await lastLinesOf(join(folder, "postgres.log"));
      await server.close();
      throw new Error(`PostgreSQL did not start:\n${said}`, { cause: error });
    }
    return server;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#daemon?.kill();
    await this.#revival;
  }

  async #initialize(password: string): Promise<void> {
    const passwordFile = join(this.folder, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    await giveToService(passwordFile);
    const access = ["--username=postgres", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
    // Small pieces, so that a small disk will do.
    const shape = ["--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync"];
    const args = [`--pgdata=${join(this.folder, "data")}`, ...access, ...shape];
    await run(join(pathOf(debianTools.postgres), "initdb"), args, { ...serviceUser(), cwd: this.folder });
    await rm(passwordFile);
  }

  async #shareIn(folder: string): Promise<void> {
    await mkdir(folder);
    await giveToService(folder);
    const usual = join(this.folder, "data/pg_dynshmem");
    await rm(usual, { recursive: true });
    await symlink(folder, usual);
  }

  async #start(): Promise<void> {
    const settings = {
      port: String(this.#port),
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.folder,
      max_connections: "60",
      max_wal_size: "16MB",
      ...sharedMemoryInFiles,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const daemon = new Daemon({
      name: "postgres",
      file: join(pathOf(debianTools.postgres), "postgres"),
      args: ["-D", join(this.folder, "data"), ...options],
      folder: this.folder,
      environment: this.#environment,
    });
    this.#daemon = daemon;
    this.#revival = this.#bringBackAfter(daemon);
    await eventually("a PostgreSQL that answers", () => this.#answers(), startTimeoutMs);
  }

  /** As a supervisor does, again and again: it can't start on a disk that is still full. */
  async #bringBackAfter(daemon: Daemon): Promise<void> {
    await daemon.ended;
    await wait(200);
    if (!this.#isClosing) await this.#start().catch(() => undefined);
  }

  async #answers(): Promise<boolean> {
    if (this.#isClosing) throw new Error("It is being closed");
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("SELECT 1");
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
