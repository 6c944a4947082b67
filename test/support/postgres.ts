import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { childrenOf, Daemon, giveToService, lastLinesOf, signalIfThere } from "../../torture/daemons.ts";
import { debianTools, pathOf, serviceUser } from "../../torture/packages.ts";
import { eventually, findFreePort, isAlive } from "../start/support.ts";

/**
 * Debian's PostgreSQL on the loopback interface, for tests of what takes several servers or PostgreSQL's own programs: the
 * embedded one comes without them.
 */
export class Postgres {
  readonly port: number;
  /** Holds all of its files. */
  readonly folder: string;
  #daemon: Daemon | null = null;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  /** A new and empty server, which runs. */
  static async create(): Promise<Postgres> {
    const server = await Postgres.empty();
    await runProgram("initdb", [
      "--username=postgres",
      "--auth=trust",
      "--encoding=UTF8",
      "--no-sync",
      "-D",
      server.data,
    ]);
    await server.start();
    return server;
  }

  /** A copy of a running server that follows it as a streaming standby, and runs. */
  static async standbyOf(primary: Postgres): Promise<Postgres> {
    const standby = await Postgres.empty();
    await primary.backUp(standby.data, ["--write-recovery-conf"]);
    await standby.start();
    return standby;
  }

  /** A place for one: nothing is in it, and nothing runs. */
  static async empty(): Promise<Postgres> {
    const folder = await mkdtemp(join(tmpdir(), "postgres-"));
    await chmod(folder, 0o755);
    await giveToService(folder);
    return new Postgres(folder, await findFreePort());
  }

  /** PostgreSQL's own folder. */
  get data(): string {
    return join(this.folder, "data");
  }

  url(database: string): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    const settings = { port: this.port, listen_addresses: "127.0.0.1", unix_socket_directories: this.folder };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const file = join(pathOf(debianTools.postgres), "postgres");
    const args = ["-D", this.data, ...options];
    this.#daemon = new Daemon({ name: "postgres", file, args, folder: this.folder });
    try {
      await eventually("a PostgreSQL that answers", () => this.#answers(), 60_000);
    } catch (error) {
      throw new Error(await lastLinesOf(join(this.folder, "postgres.log")), { cause: error });
    }
  }

  /** Copies all of it to a folder while it runs. */
  async backUp(folder: string, options: readonly string[] = []): Promise<void> {
    await runProgram("pg_basebackup", ["-d", this.url("postgres"), "--checkpoint=fast", "-D", folder, ...options]);
  }

  /** Ends it without a warning, and waits for the end of all of its processes: until then no other may start on its folder. */
  async kill(): Promise<void> {
    if (this.#daemon === null) return;
    // It starts no more of them while they are listed.
    signalIfThere(this.#daemon.pid, "SIGSTOP");
    const children = await childrenOf(this.#daemon.pid);
    await this.#daemon.kill();
    for (const pid of children) signalIfThere(pid, "SIGKILL");
    await eventually("the end of its processes", () => !children.some(isAlive));
  }

  /** Stops and continues all of its processes. */
  async signal(signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    const { pid } = this.#daemon ?? { pid: 0 };
    for (const each of [pid, ...(await childrenOf(pid))]) signalIfThere(each, signal);
  }

  /** Ends it, and removes its files. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Runs a statement as its superuser. */
  async query(statement: string, database = "postgres"): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url(database), connectionTimeoutMillis: 5_000 });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async #answers(): Promise<boolean> {
    return this.query("SELECT 1").then(
      () => true,
      () => false,
    );
  }
}

/** Runs a program of PostgreSQL's, as the user that its servers run as. */
async function runProgram(name: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(join(pathOf(debianTools.postgres), name), args, { ...serviceUser(), cwd: "/" });
}
