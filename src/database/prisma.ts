import { createHash } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";
import type { Pool } from "pg";
import { createPool } from "./pool.ts";
import type { PoolOptions } from "./pool.ts";

export interface PrismaOptions extends PoolOptions {
  /** Whether statements are prepared once a connection: only for a client whose statements are few and fixed. */
  readonly preparesStatements: boolean;
}

/** A Prisma client whose every wait is bounded, and whose sessions are in UTC. Connects when first used. */
export function createPrisma(databaseUrl: string, options: PrismaOptions): PrismaClient {
  return createPrismaOver(createPool(databaseUrl, options), options);
}

/** The same over a pool of {@link createPool}, which ends with it. */
export function createPrismaOver(
  pool: Pool,
  { preparesStatements }: Pick<PrismaOptions, "preparesStatements">,
): PrismaClient {
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    ...(preparesStatements ? { statementNameGenerator: ({ sql }) => statementNameOf(sql) } : {}),
  });
  // Otherwise Prisma takes a stack trace of each call, to quote the source in its errors: a twentieth of what a group costs.
  return new PrismaClient({ adapter, errorFormat: "minimal" });
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
