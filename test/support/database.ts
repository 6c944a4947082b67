import { randomBytes } from "node:crypto";
import { Client } from "pg";

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Ends what is still connected, and removes it. */
  drop(): Promise<void>;
}

/** Makes a fresh database on the run's server: migrated, or empty. */
export async function createDatabase(options: { readonly migrated?: boolean } = {}): Promise<TestDatabase> {
  const template = new URL(serverUrl());
  const url = new URL(template);
  const name = `test_${randomBytes(8).toString("hex")}`;
  url.pathname = name;
  const source = options.migrated === false ? "template0" : template.pathname.slice(1);
  await execute(`CREATE DATABASE ${name} TEMPLATE ${source}`);
  return { url: url.href, drop: () => execute(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Of the run's own PostgreSQL; its database is the migrated one that others are copied from, so nothing connects to it. */
function serverUrl(): string {
  const url = process.env["TEST_DATABASE_URL"];
  if (url === undefined) throw new Error("test/support/global-setup.ts has not run");
  return url;
}

async function execute(statement: string): Promise<void> {
  const url = new URL(serverUrl());
  url.pathname = "postgres";
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
