import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { query } from "../start/support.ts";
import type { Premises } from "../start/support.ts";

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An installation with a database and a folder of its own, on which commands are run. */
export class Installation {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly #premises: Premises;

  private constructor(premises: Premises, databaseUrl: string, folder: string) {
    this.#premises = premises;
    this.databaseUrl = databaseUrl;
    this.folder = folder;
  }

  /** With the clients admin, who may do everything, and reader. */
  static async create(premises: Premises): Promise<Installation> {
    const databaseUrl = await premises.createDatabase();
    await query(
      databaseUrl,
      `INSERT INTO api_client (id, name, secret_hash, scopes, implicit, created_at)
       VALUES ('admin', 'Admin', 'x', '{inventory:read,inventory:write}', false, now()),
              ('reader', 'Reader', 'x', '{inventory:read}', false, now())`,
    );
    return new Installation(premises, databaseUrl, await premises.createFolder());
  }

  get settings(): Readonly<Record<string, string>> {
    return { DATABASE_URL: this.databaseUrl, DATA_DIR: this.folder };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, contents: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), contents);
    return this.path(name);
  }

  async run(...args: readonly string[]): Promise<Ended> {
    const run = this.#premises.run(args, this.settings);
    const { code } = await run.ended;
    return { code, stdout: run.stdout, stderr: run.stderr };
  }

  query(statement: string): Promise<Record<string, unknown>[]> {
    return query(this.databaseUrl, statement);
  }
}
