import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianTools, findMissing, pathOf } from "../packages.ts";
import type { Database, Setting } from "./database.ts";
import { EmbeddedDatabase } from "./embedded-database.ts";

/** The usual PostgreSQL, and gateways whose clock is another one's (libfaketime). */
export class MovedClock implements Database {
  readonly url: string;
  /** Says how far the gateways' clock is ahead; they look at it each time. */
  readonly clockFile: string;
  readonly #database: EmbeddedDatabase;

  private constructor(database: EmbeddedDatabase, clockFile: string) {
    this.#database = database;
    this.url = database.url;
    this.clockFile = clockFile;
  }

  static async open(folder: string): Promise<MovedClock> {
    const clock = new MovedClock(await EmbeddedDatabase.open(folder), join(folder, "clock"));
    await clock.put(0);
    return clock;
  }

  /** Puts the gateways' clock ahead of the true time, or behind it. */
  async put(aheadSeconds: number): Promise<void> {
    await writeFile(this.clockFile, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}`);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

export const movedClock: Setting<MovedClock> = {
  name: "moved-clock",
  openDatabase: (folder) => MovedClock.open(folder),
  findObstacle: () => findMissing(debianTools.faketime),
  gatewayEnvironmentOn: ({ clockFile }) => ({
    LD_PRELOAD: pathOf(debianTools.faketime),
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_NO_CACHE: "1",
    // Whoever sets a machine's clock doesn't touch the monotonic one.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  }),
};
