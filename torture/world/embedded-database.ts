import { join } from "node:path";
import { findRunningServer } from "../../src/database/embedded-process.ts";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { sharedMemoryInFiles } from "../run-folder.ts";
import type { Database, Setting } from "./database.ts";

/** The PostgreSQL of the package, durable, in a folder of its own; brought back when it ends, as a gateway of one's own does it. */
export class EmbeddedDatabase implements Database {
  readonly url: string;
  readonly #folder: string;
  readonly #server: EmbeddedPostgres;

  private constructor(folder: string, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#server = server;
    this.url = server.url;
  }

  static async open(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedDatabase> {
    return new EmbeddedDatabase(folder, await startEmbeddedPostgres(folder, { ...usual, ...settings }));
  }

  /** The postmaster's process. @throws Error while there is none */
  async findPid(): Promise<number> {
    const running = await findRunningServer(join(this.#folder, "postgres"));
    if (running === null) throw new Error("PostgreSQL does not run");
    return running.pid;
  }

  async close(): Promise<void> {
    await this.#server.stop();
  }
}

/** Room for the gateways and for those who look on, and not much more: a fault takes the rest. */
const usual = { max_connections: "60", ...sharedMemoryInFiles };

/** The usual world: one PostgreSQL with everything that durability needs, as the gateway itself starts it. */
export const embedded: Setting<EmbeddedDatabase> = {
  name: "embedded",
  openDatabase: (folder) => EmbeddedDatabase.open(folder),
};

/** One that answers before anything is on disk: the gateway serves from it only when told to, and rightly so. */
export const careless: Setting<EmbeddedDatabase> = {
  name: "careless",
  openDatabase: (folder) => EmbeddedDatabase.open(folder, { synchronous_commit: "off" }),
  gatewayEnvironment: { UNSAFE_DATABASE: "allow" },
};
