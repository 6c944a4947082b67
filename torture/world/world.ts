import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { findFreePort } from "../../src/database/embedded-process.ts";
import { packageRoot } from "../package-root.ts";
import { clearFolder } from "../run-folder.ts";
import type { Database, Setting } from "./database.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import { GatewayProcess } from "./gateway-process.ts";

/** The built program. */
const program = join(packageRoot, "dist/main.js");

export interface WorldOptions {
  /** Of the run: the world has one in it. */
  readonly runFolder: string;
  readonly gatewayCount?: number;
  /** What is run as a gateway, in place of the built program's `start`: controls run broken ones. */
  readonly gatewayArguments?: readonly string[];
}

/** A gateway, and the proxies on both sides of it. */
export interface Station {
  readonly process: GatewayProcess;
  /** Between the clients and the gateway. */
  readonly clientProxy: FaultyProxy;
  /** Between the gateway and the database. */
  readonly databaseProxy: FaultyProxy;
  /** For clients: the client proxy's. */
  readonly url: string;
}

/** A database, gateways over it, and proxies on all ways between them and their clients. */
export class World<D extends Database = Database> {
  readonly database: D;
  readonly stations: readonly Station[];
  readonly #folder: string;
  readonly #client: ApiClient;
  readonly #sessions = new Set<Client>();

  private constructor(parts: Pick<World<D>, "database" | "stations"> & { folder: string; client: ApiClient }) {
    this.database = parts.database;
    this.stations = parts.stations;
    this.#folder = parts.folder;
    this.#client = parts.client;
  }

  /** Brings everything up, and waits until all gateways serve. What has come up where that fails ends with the run. */
  static async open<D extends Database>(setting: Setting<D>, options: WorldOptions): Promise<World<D>> {
    const folder = await mkdtemp(join(options.runFolder, "world-"));
    const databaseFolder = join(folder, "database");
    await mkdir(databaseFolder);
    // As root the server is another user, who has to get in.
    for (const path of [folder, databaseFolder]) await chmod(path, 0o755);
    const database = await setting.openDatabase(databaseFolder);
    const client = await createApiClient(database.url, folder);
    const stations: Station[] = [];
    for (let index = 0; index < (options.gatewayCount ?? 2); index += 1)
      stations.push(await openStation({ setting, database, folder, index }, options));
    const world = new World<D>({ database, stations, folder, client });
    try {
      await Promise.all(stations.map(({ process }) => process.start()));
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** An access token, for an hour. */
  async requestToken(): Promise<string> {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: this.#client.id,
      client_secret: this.#client.secret,
    });
    const [station] = this.stations;
    const response = await fetch(`${station?.process.url}/oauth/access_token`, { method: "POST", body });
    const answer: unknown = await response.json();
    const token = typeof answer === "object" && answer !== null ? Reflect.get(answer, "access_token") : null;
    if (typeof token !== "string") throw new Error(`No access token: ${JSON.stringify(answer)}`);
    return token;
  }

  /** A session of somebody else on the gateways' database, past all proxies. It ends with the world at the latest. */
  async openSession(): Promise<Client> {
    const client = new Client({ connectionString: this.database.url, connectionTimeoutMillis: 5_000 });
    // A lost connection also rejects the query that runs.
    client.on("error", () => undefined);
    client.once("end", () => this.#sessions.delete(client));
    this.#sessions.add(client);
    await client.connect();
    return client;
  }

  /** Runs statements in a session of their own. */
  async query<Row extends object>(statement: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = await this.openSession();
    try {
      return (await client.query<Row>(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.stations.map(({ process }) => process.stop()));
    for (const session of this.#sessions) await session.end().catch(() => undefined);
    for (const { clientProxy, databaseProxy } of this.stations)
      await Promise.all([clientProxy.close(), databaseProxy.close()]);
    await this.database.close();
    clearFolder(this.#folder);
  }
}

interface ApiClient {
  readonly id: string;
  readonly secret: string;
}

/** Makes the tables and a client that may read and write, with the program's own command. */
async function createApiClient(databaseUrl: string, folder: string): Promise<ApiClient> {
  const env = { ...bareEnvironment, DATABASE_URL: databaseUrl, DATA_DIR: folder };
  const args = [program, "client", "add", "--name", "Torture", "--id", "torture"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: folder });
  const secret = /^client_secret +(\S+)$/m.exec(stdout)?.[1];
  if (secret === undefined) throw new Error(`No client was made: ${stdout}`);
  return { id: "torture", secret };
}

/** Nothing of the harness's own environment but what programs are found with. */
const bareEnvironment = { PATH: process.env["PATH"] ?? "", HOME: tmpdir() };

interface Place {
  readonly setting: Setting;
  readonly database: Database;
  readonly folder: string;
  readonly index: number;
}

async function openStation(
  { setting, database, folder, index }: Place,
  { gatewayArguments = [program, "start"] }: Pick<WorldOptions, "gatewayArguments">,
): Promise<Station> {
  const target = new URL(database.url);
  const databaseProxy = await FaultyProxy.open({ host: target.hostname, port: Number(target.port) });
  const throughProxy = new URL(target);
  throughProxy.hostname = "127.0.0.1";
  throughProxy.port = String(databaseProxy.port);
  // The supervisor starts it again where it was.
  const port = await findFreePort();
  const clientProxy = await FaultyProxy.open({ host: "127.0.0.1", port });
  const gateway = new GatewayProcess({
    command: [...(setting.gatewayLauncher ?? []), process.execPath, ...gatewayArguments],
    environment: {
      ...bareEnvironment,
      NODE_ENV: "production",
      DATABASE_URL: throughProxy.href,
      DATA_DIR: join(folder, `gateway-${index}`),
      PORT: String(port),
      WORKERS: "1",
      LOG_LEVEL: "error",
      // All of the load is one client's: what turns it away is to be what the gateway can do.
      RATE_LIMIT_PER_CLIENT: "0",
      ...setting.gatewayEnvironment,
      ...setting.gatewayEnvironmentOn?.(database),
    },
    port,
    folder,
    logFile: join(folder, `gateway-${index}.log`),
  });
  return { process: gateway, clientProxy, databaseProxy, url: `http://127.0.0.1:${clientProxy.port}` };
}
