import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { errorCodeOf } from "../../src/error-message.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { Shop } from "../support/shop.ts";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const program = join(packageRoot, "dist/main.js");

/** Nothing of the test's own environment but what programs are found with; one process, however many cores there are. */
const bareEnvironment = { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), WORKERS: "1" };

export type Settings = Readonly<Record<string, string>>;

/** A program of ours while it runs, and what it has said so far. */
export class Run {
  stdout = "";
  stderr = "";
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => void (this.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => void (this.stderr += text));
    this.ended = once(child, "close").then(([code, signal]) => ({ code, signal }));
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits for a welcome. @returns where the gateway listens @throws Error where it ends before */
  async serving(): Promise<string> {
    await Promise.race([this.#isWelcoming(), this.ended]);
    const url = /^ {2}GraphQL +(\S+)\/graphql$/m.exec(this.stdout)?.[1];
    if (url === undefined) throw new Error(`It ended instead of serving: ${this.stdout}${this.stderr}`);
    return url;
  }

  async #isWelcoming(): Promise<void> {
    while (!this.stdout.includes("Receive ten units") && this.#child.stdout !== null)
      await once(this.#child.stdout, "data");
  }

  /** Asks it to stop, and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return (await this.ended).code;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

/** Folders, databases and programs of a test, none of which outlives it. */
export class Premises {
  readonly #databases: TestDatabase[] = [];
  readonly #folders: string[] = [];
  readonly #runs: Run[] = [];

  /** A new folder for DATA_DIR; as root the server is another user, who has to get in. */
  async createFolder(mode = 0o755): Promise<string> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "inventory-gateway-start-")));
    this.#folders.push(folder);
    await chmod(folder, mode);
    return folder;
  }

  /** A new database on the run's own server, for DATABASE_URL: migrated, or empty. */
  async createDatabase(options: { readonly migrated?: boolean } = {}): Promise<string> {
    const database = await createDatabase(options);
    this.#databases.push(database);
    return database.url;
  }

  /** Runs `node dist/main.js …` with these settings and no others. */
  run(args: readonly string[], settings: Settings): Run {
    return this.spawn(process.execPath, [program, ...args], settings);
  }

  /** Starts a gateway on any free port. */
  start(settings: Settings): Run {
    return this.run(["start"], { PORT: "0", ...settings });
  }

  /** Runs any program, in a process group of its own. */
  spawn(file: string, args: readonly string[], settings: Settings): Run {
    const env = { ...bareEnvironment, ...settings };
    const run = new Run(
      spawn(file, args, { cwd: packageRoot, env, detached: true, stdio: ["ignore", "pipe", "pipe"] }),
    );
    this.#runs.push(run);
    return run;
  }

  /** Ends what still runs. */
  async endRuns(): Promise<void> {
    for (const run of this.#runs.splice(0)) {
      // Its group, so that a program below npm goes too; the embedded server has a group of its own.
      killIfThere(-run.pid, "SIGKILL");
      await run.ended;
    }
    for (const folder of this.#folders) {
      const pid = postmasterOf(folder);
      if (pid === null) continue;
      killIfThere(pid, "SIGCONT");
      killIfThere(pid, "SIGQUIT");
      await eventually("the server's end", () => !isAlive(pid));
    }
  }

  /** Ends what still runs, and removes folders and databases. */
  async clear(): Promise<void> {
    await this.endRuns();
    for (const database of this.#databases.splice(0)) await database.drop();
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The process of the embedded server that runs on the folder; null where none does. */
export function postmasterOf(dataDir: string): number | null {
  const databaseDir = join(dataDir, "postgres");
  const file = join(databaseDir, "postmaster.pid");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0;
  if (pid === 0 || !isAlive(pid)) return null;
  return ofProcess(() => readlinkSync(`/proc/${pid}/cwd`)) === databaseDir ? pid : null;
}

/** Where the embedded server of the folder listens, with its password. */
export async function embeddedUrlOf(dataDir: string): Promise<string> {
  const password = (await readFile(join(dataDir, "postgres/gateway.password"), "utf8")).trim();
  const port = (await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8")).split("\n")[3] ?? "";
  return `postgresql://postgres:${password}@127.0.0.1:${port.trim()}/inventory_gateway`;
}

export function isAlive(pid: number): boolean {
  const stat = killIfThere(pid, 0) ? ofProcess(() => readFileSync(`/proc/${pid}/stat`, "utf8")) : null;
  return stat !== null && !stat.includes(") Z ");
}

/** What is told of a process; null where it has ended meanwhile. */
function ofProcess(read: () => string): string | null {
  try {
    return read();
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

function killIfThere(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Asks again and again until it is so: for what tells nobody when it happens. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await wait(20);
  }
}

/** Whether anything takes connections there. */
export function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/**
 * A port that nobody uses, for a server that is started later. It is below those that Linux gives to connections, and to
 * servers that ask for any, where it leaves some: so that none of them takes it meanwhile.
 */
export async function findFreePort(): Promise<number> {
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8").catch(() => "");
  const end = Number(range.split("\t")[0]);
  for (;;) {
    const server = createServer().listen(end > 20_000 ? randomInt(10_000, end) : 0, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (error) {
      if (errorCodeOf(error) === "EADDRINUSE") continue;
      throw error;
    }
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** The answer to a request for a token. */
export async function requestToken(
  url: string,
  clientId: string,
  clientSecret: string,
): Promise<{ status: number; token: string }> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
  });
  const response = await fetch(`${url}/oauth/access_token`, { method: "POST", body });
  const answer = (await response.json()) as { access_token?: string };
  return { status: response.status, token: answer.access_token ?? "" };
}

/** A shop that works as the generated client of the folder. */
export async function openShop(url: string, dataDir: string): Promise<Shop> {
  const secret = await readFile(join(dataDir, "admin-client.secret"), "utf8");
  return new Shop(url, (await requestToken(url, "admin", secret)).token);
}

/** Runs a statement. */
export async function query(databaseUrl: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Locks the stock of a product, so that whoever wants to change it waits. */
export async function lockStock(databaseUrl: string, productId: string): Promise<{ release(): Promise<void> }> {
  const client = new Client({ connectionString: databaseUrl });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM stock WHERE product_id = $1 FOR UPDATE", [productId]);
  return { release: () => client.end().catch(() => undefined) };
}
