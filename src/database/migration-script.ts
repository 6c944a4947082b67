import type { SqlQueryable } from "@prisma/driver-adapter-utils";
import { escapeIdentifier, escapeLiteral } from "pg";

/** One folder of prisma/migrations. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** What Prisma stores of it: SHA-256 in hexadecimal. */
  readonly checksum: string;
}

/**
 * Executes what the engine hands over, so that it can be executed again wherever it was interrupted. Prisma's adapter would
 * execute a script statement by statement, each a transaction of its own, and leave one half of it.
 * A migration is one transaction, and its end is part of it; what is CONCURRENTLY can't be, and stands alone.
 */
export async function executeScript(
  adapter: SqlQueryable,
  script: string,
  migrations: readonly Migration[],
): Promise<void> {
  const sql = script.replaceAll(/--.*$/gm, "");
  if (/\bINDEX CONCURRENTLY\b/.test(sql)) return executeConcurrently(adapter, sql);
  const migration = migrations.find((other) => other.sql === script);
  await execute(adapter, migration === undefined ? script : `${script}\n;${finishOf(migration)}`);
}

/** The engine does the same once more, in a statement after the script. */
function finishOf({ name }: Migration): string {
  return `UPDATE _prisma_migrations SET finished_at = now()
    WHERE migration_name = ${escapeLiteral(name)} AND finished_at IS NULL AND rolled_back_at IS NULL`;
}

/**
 * An interrupted attempt leaves an index that is not valid, or one that is done: the server goes on without the gateway. Only
 * the one that the script names is touched, since somebody may be making another. The file stays as it was applied elsewhere.
 */
async function executeConcurrently(adapter: SqlQueryable, sql: string): Promise<void> {
  const made = /\bCREATE (?:UNIQUE )?INDEX CONCURRENTLY "(\w+)"/.exec(sql)?.[1];
  if (made !== undefined && (await isInvalid(adapter, made)))
    await execute(adapter, `DROP INDEX CONCURRENTLY ${escapeIdentifier(made)}`);
  const condition = made === undefined ? "IF EXISTS" : "IF NOT EXISTS";
  await execute(adapter, sql.replace(/\bINDEX CONCURRENTLY (?=")/, `INDEX CONCURRENTLY ${condition} `));
}

async function isInvalid(adapter: SqlQueryable, index: string): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_index
    WHERE indexrelid = to_regclass(${escapeLiteral(escapeIdentifier(index))}) AND NOT indisvalid`;
  const { rows } = await adapter.queryRaw({ sql, args: [], argTypes: [] });
  return rows.length > 0;
}

/** Without arguments it is sent whole by the simple protocol, which makes one transaction of several statements. */
async function execute(adapter: SqlQueryable, sql: string): Promise<void> {
  await adapter.executeRaw({ sql, args: [], argTypes: [] });
}
