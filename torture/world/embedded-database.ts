import { findRunningServer, findFreePort } from "../../src/database/embedded-process.ts";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Database, Setting } from "./database.ts";

/** The PostgreSQL of the package, durable, in a folder of its own; brought up again when it is gone. */
export class EmbeddedDatabase implements Database {
  readonly url: string;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  #server: EmbeddedPostgres;

  private constructor(folder: string, settings: Readonly<Record<string, string>>, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#settings = settings;
    this.#server = server;
    this.url = server.url;
  }

  static async open(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedDatabase> {
    // A supervisor brings it up again where it was.
    const fixed = { port: String(await findFreePort()), ...settings };
    return new EmbeddedDatabase(folder, fixed, await startEmbeddedPostgres(folder, fixed));
  }

  /** The postmaster's process. */
  async findPid(): Promise<number> {
    const running = await findRunningServer(join(this.#folder, "postgres"));
    if (running === null) throw new Error("PostgreSQL does not run");
    return running.pid;
  }

  /** What a supervisor does when it sees that the server is gone. */
  async bringUp(): Promise<void> {
    this.#server = await startEmbeddedPostgres(this.#folder, this.#settings);
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Room for the gateways and for those who look on, and not much more: a fault takes the rest. */
const maxConnections = "60";

/** The usual world: one PostgreSQL with everything that durability needs, as the gateway itself starts it. */
export const embedded: Setting<EmbeddedDatabase> = {
  name: "embedded",
  openDatabase: (folder) => EmbeddedDatabase.open(folder, { max_connections: maxConnections }),
};

/** One that answers before anything is on disk: the gateway serves from it only when told to, and rightly so. */
export const careless: Setting<EmbeddedDatabase> = {
  name: "careless",
  openDatabase: (folder) =>
    EmbeddedDatabase.open(folder, { max_connections: maxConnections, synchronous_commit: "off" }),
  gatewayEnvironment: { UNSAFE_DATABASE: "allow" },
};
