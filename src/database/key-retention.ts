import type { Logger } from "pino";
import { pause } from "../pause.ts";
import { createPrisma } from "./prisma.ts";
import type { PrismaClient } from "./generated/client.ts";

/** So few that no group waits for long behind one statement: some ten milliseconds. */
const keysPerStatement = 1_000;
/** Between two statements at least; as long as the last one took where that is more. */
const restMsMin = 20;
/** Between two passes. */
const passEveryMs = 600_000;

/** Drops idempotency keys that are older than they have to be kept, for as long as a gateway runs. */
export class KeyRetention {
  readonly #prisma: PrismaClient;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;

  private constructor(databaseUrl: string, hours: number, logger: Logger) {
    this.#prisma = createPrisma(databaseUrl, {
      name: "inventory-gateway keys",
      poolSize: 1,
      preparesStatements: false,
    });
    this.#running = this.#run(hours, logger);
  }

  /** @param hours how long a key is kept at least, 24 or more */
  static start(databaseUrl: string, hours: number, logger: Logger): KeyRetention {
    return new KeyRetention(databaseUrl, hours, logger);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#prisma.$disconnect();
  }

  async #run(hours: number, logger: Logger): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const dropped = await dropOldKeys(this.#prisma, hours, signal);
        if (dropped > 0) logger.info({ dropped }, "Dropped old idempotency keys");
      } catch (error) {
        logger.warn({ err: error }, "Old idempotency keys could not be dropped; it will be tried again");
      }
      await pause(passEveryMs * (0.5 + Math.random()), signal);
    }
  }
}

/**
 * Drops all keys that are old enough by the database's clock, a few at a time. Several gateways may do so at once: each
 * passes over what another has locked.
 * @returns how many
 */
export async function dropOldKeys(prisma: PrismaClient, hours: number, signal: AbortSignal): Promise<number> {
  let dropped = 0;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const count = await prisma.$executeRaw`
      DELETE FROM spent_key
      USING (
        SELECT client_id, idempotency_key FROM spent_key
        WHERE created_at < now() - make_interval(hours => ${hours}::int)
        ORDER BY created_at
        LIMIT ${keysPerStatement}::int
        FOR UPDATE SKIP LOCKED
      ) AS old
      WHERE (spent_key.client_id, spent_key.idempotency_key) = (old.client_id, old.idempotency_key)`;
    dropped += count;
    if (count < keysPerStatement) break;
    await pause(Math.max(restMsMin, performance.now() - startedAt), signal);
  }
  return dropped;
}
