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
 * For sessions whose statements are few, prepared, and all of them by key: each is planned once. PostgreSQL would plan those
 * that are given lists anew every time, 0.4 ms a group, which is half of what it takes to execute them. Made for a table that was
 * small then, such a plan must not read all of it when it has grown.
 */
const plannedOnce = { plan_cache_mode: "force_generic_plan", enable_seqscan: "off" } as const;

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** How long a statement may take, in milliseconds, where no request waits for it. */
  readonly statementMs?: number | undefined;
  /** Whether each prepared statement is planned once: only where all of them find their rows by key. */
  readonly plansOnce?: boolean | undefined;
}

/** How a session is opened. */
export function sessionOf(
  databaseUrl: string,
  { name, statementMs = databaseTimeouts.statementMs, plansOnce = false }: SessionOptions,
): ClientConfig {
  const patienceMs = statementMs - databaseTimeouts.statementMs;
  const settings = {
    ...sessionSettings,
    statement_timeout: String(statementMs),
    ...(plansOnce ? plannedOnce : {}),
  };
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
