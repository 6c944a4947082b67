import type { ClientConfig } from "pg";

/** How long one step may take, in milliseconds; each bound is shorter than the one around it. */
const databaseTimeouts = {
  connectMs: 3_000,
  lockMs: 2_000,
  statementMs: 4_000,
  queryMs: 5_000,
  idleInTransactionMs: 5_000,
} as const;

/** What the gateway asks of each of its sessions, in PostgreSQL's names and as pg_settings shows them. */
export const sessionSettings = {
  statement_timeout: String(databaseTimeouts.statementMs),
  lock_timeout: String(databaseTimeouts.lockMs),
  idle_in_transaction_session_timeout: String(databaseTimeouts.idleInTransactionMs),
  TimeZone: "UTC",
} as const;

/**
 * How a session is opened.
 * @param name shown in pg_stat_activity
 * @param statementMs how long a statement may take
 */
export function sessionOf(
  databaseUrl: string,
  name: string,
  statementMs: number = databaseTimeouts.statementMs,
): ClientConfig {
  const patienceMs = statementMs - databaseTimeouts.statementMs;
  const settings = { ...sessionSettings, statement_timeout: String(statementMs) };
  return {
    connectionString: databaseUrl,
    connectionTimeoutMillis: databaseTimeouts.connectMs,
    query_timeout: databaseTimeouts.queryMs + patienceMs,
    keepAlive: true,
    application_name: name,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
  };
}
