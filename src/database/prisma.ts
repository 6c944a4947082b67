import { createHash } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";
import { databaseTimeouts, sessionOptions } from "./session.ts";

export interface PrismaOptions {
  /** The most connections. */
  readonly poolSize: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** Whether statements are prepared once a connection: only for a client whose statements are few and fixed. */
  readonly preparesStatements: boolean;
  /** How long one statement may take, in milliseconds, where no request waits for it. */
  readonly statementMs?: number;
}

/** A Prisma client whose every wait is bounded, and whose sessions are in UTC. Connects when first used. */
export function createPrisma(databaseUrl: string, options: PrismaOptions): PrismaClient {
  const { connectMs, queryMs, statementMs } = databaseTimeouts;
  const patienceMs = (options.statementMs ?? statementMs) - statementMs;
  const adapter = new PrismaPg(
    {
      connectionString: databaseUrl,
      max: options.poolSize,
      connectionTimeoutMillis: connectMs,
      query_timeout: queryMs + patienceMs,
      keepAlive: true,
      application_name: options.name,
      options: `${sessionOptions} -c statement_timeout=${statementMs + patienceMs}`,
    },
    options.preparesStatements ? { statementNameGenerator: ({ sql }) => statementNameOf(sql) } : {},
  );
  return new PrismaClient({ adapter });
}

const statementNames = new Map<string, string>();

/** The statement's first word, for those who read pg_prepared_statements or the wire, and a hash of all of it. */
function statementNameOf(sql: string): string {
  let name = statementNames.get(sql);
  if (name === undefined) {
    const [verb] = /[A-Z]+/.exec(sql) ?? [""];
    name = `${verb}_${createHash("sha256").update(sql).digest("base64url").slice(0, 16)}`;
    statementNames.set(sql, name);
  }
  return name;
}
