import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { ChangeSignal } from "../inventory/ledger.ts";
import { messageOf } from "../error-message.ts";
import { sessionOf } from "./session.ts";

/** The channel that gateways of one database tell each other on. */
const channel = "inventory_gateway_ledger";

/** The least time between two signals: between them there is nothing to tell that the second would not. */
const announceIntervalMs = 10;
const reconnectMinMs = 100;
const reconnectMaxMs = 5_000;

/** Where a signal's troubles are written. */
interface Log {
  warn(details: object, message: string): void;
}

/**
 * Tells the gateways over one database that the ledger has grown, by NOTIFY, on a connection of its own. A signal is sent
 * after the group's COMMIT and not within its transaction, where PostgreSQL would make all commits of the server wait for each
 * other; it writes nothing to disk, and one is enough for all groups since the last. It may be lost: with the
 * connection, with a pooler in between, in a crash. So it says nothing but "look again", and is also given when
 * the connection has come back.
 */
export class PostgresChangeSignal implements ChangeSignal {
  readonly #databaseUrl: string;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  /** Tells its own signals, which come back to it, from those of others. */
  readonly #id = randomUUID();
  #connection: Client | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #announcing = false;
  #announceAgain = false;
  #closed = false;

  /** Connects in the background: a gateway that can't is slower to tell and to hear, and no worse. */
  constructor(databaseUrl: string, log: Log) {
    this.#databaseUrl = databaseUrl;
    this.#log = log;
    void this.#connect();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells this gateway at once, and the others soon. Costs next to nothing however often it is called. */
  announce(): void {
    this.#tellListeners();
    if (this.#announcing) this.#announceAgain = true;
    else void this.#notify();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = null;
    await connection?.end();
  }

  async #connect(): Promise<void> {
    const connection = new Client(sessionOf(this.#databaseUrl, { name: "inventory-gateway signal" }));
    connection.on("error", (error) => this.#lose(connection, error));
    connection.on("end", () => this.#lose(connection, new Error("The connection was closed")));
    connection.on("notification", ({ payload }) => {
      if (payload !== this.#id) this.#tellListeners();
    });
    this.#connection = connection;
    try {
      await connection.connect();
      await connection.query(`LISTEN ${channel}`);
      this.#failures = 0;
      this.#tellListeners();
    } catch (error) {
      this.#lose(connection, error);
    }
  }

  /** Gives a connection up, once, and tries again later. */
  #lose(connection: Client, error: unknown): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    connection.end().catch(() => undefined);
    if (this.#failures === 0) this.#log.warn({ reason: messageOf(error) }, "Signals of other gateways are not heard");
    this.#failures += 1;
    const waitMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#connect(), waitMs).unref();
  }

  async #notify(): Promise<void> {
    this.#announcing = true;
    const connection = this.#connection;
    try {
      await connection?.query(`NOTIFY ${channel}, '${this.#id}'`);
    } catch (error) {
      if (connection !== null) this.#lose(connection, error);
    }
    setTimeout(() => {
      this.#announcing = false;
      if (!this.#announceAgain || this.#closed) return;
      this.#announceAgain = false;
      void this.#notify();
    }, announceIntervalMs).unref();
  }

  #tellListeners(): void {
    for (const listener of this.#listeners) listener();
  }
}
