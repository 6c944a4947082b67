import { CachedRead } from "../access/cached-read.ts";
import { whileAvailable } from "./availability.ts";
import type { PrismaClient } from "./generated/client.ts";

/** How old the last look at the database's clock may be for what depends on it: as long as a revoked client may be let in. */
const ageMaxMs = 1_000;

/**
 * The time, by the clock of the database: the one clock that all gateways share. A machine's own may be put forward and
 * back while the gateway runs, and then tokens would end too early or come to life again. Between two looks the time runs
 * on by the monotonic clock.
 */
export class DatabaseClock {
  readonly #look: CachedRead<void>;
  /** How far the database's time since the epoch is ahead of the monotonic clock. Null before the first look. */
  #aheadMs: number | null = null;

  constructor(prisma: PrismaClient) {
    this.#look = new CachedRead(
      () => this.#read(prisma),
      () => performance.now(),
    );
  }

  /** Milliseconds since the epoch. @throws Error before the first look */
  readonly now = (): number => {
    if (this.#aheadMs === null) throw new Error("Nobody has looked at the database's clock yet");
    return Math.floor(performance.now() + this.#aheadMs);
  };

  /** Looks at the database's clock, unless that was done within a second. @throws ServiceUnavailableError */
  async look(): Promise<void> {
    await this.#look.get(ageMaxMs);
  }

  async #read(prisma: PrismaClient): Promise<void> {
    const [row] = await whileAvailable(() => prisma.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`);
    if (row !== undefined) this.#aheadMs = row.now.getTime() - performance.now();
  }
}
