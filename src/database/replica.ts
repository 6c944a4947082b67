import { setTimeout as wait } from "node:timers/promises";
import type { ClientBase, Pool } from "pg";
import { CachedRead } from "../access/cached-read.ts";
import { ConfigError } from "../config.ts";
import { InvalidInputError } from "../inventory/errors.ts";
import { withClient } from "./durability.ts";
import type { DatabasePlace } from "./durability.ts";
import { isDatabaseUnavailable, sqlStateOf } from "./errors.ts";
import type { PrismaClient } from "./generated/client.ts";

/** What became of a read that a replica was to answer: all but "answered" were answered by the primary. */
export type ReplicaOutcome = "answered" | "behind" | "away";

/** How far a server's write-ahead log goes. */
interface LogPlace {
  /** Which database cluster it is of: a standby has it from its primary. */
  readonly system: string;
  /** Which of the cluster's histories: each promotion of a standby begins a new one. */
  readonly timeline: number;
  readonly position: bigint;
}

/** How long a read waits for the replica to replay what it has to have, in milliseconds, before it goes to the primary. */
const replayWaitMs = 100;
/** How long the replica may take to say how far it is. */
const lookTimeoutMs = 1_000;
/** How long reads go straight to the primary after the replica could not answer one. */
const restMs = 1_000;

/** A statement that took longer than a statement may. */
const queryCanceled = "57014";

/** All that was ever acknowledged is in the log up to here: a COMMIT is once it has been flushed, where that is not turned off. */
const primaryPlace = `
  SELECT system_identifier::text AS system, ('x' || left(pg_walfile_name(place), 8))::bit(32)::int AS timeline,
         pg_wal_lsn_diff(place, '0/0')::bigint::text AS position
  FROM pg_control_system(), LATERAL (
    SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
                ELSE pg_current_wal_flush_lsn() END AS place
  ) AS log`;

/** The timeline is that of the last restartpoint: what follows a promotion is believed only after the next one. */
const replicaPlace = `
  SELECT pg_is_in_recovery() AS recovering, system_identifier::text AS system, timeline_id AS timeline,
         pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint::text AS position
  FROM pg_control_system(), pg_control_checkpoint()`;

interface PrimaryRow {
  readonly system: string;
  readonly timeline: number;
  readonly position: string;
}

interface ReplicaRow extends Omit<PrimaryRow, "position"> {
  readonly recovering: boolean;
  readonly position: string | null;
}

/** The replica has not replayed, in time, what a read has to see. */
class ReplicaBehindError extends Error {
  override readonly name = "ReplicaBehindError";
}

export interface ReplicaReaderOptions {
  /** Knows what was acknowledged, and answers what the replica can't. */
  readonly primary: PrismaClient;
  /** Over a pool that {@link askWhenReached} has been given. */
  readonly replica: PrismaClient;
  readonly reached: ReachedPlace;
  readonly log: { info(message: string): void; warn(context: object, message: string): void };
  readonly onRead: (outcome: ReplicaOutcome) => void;
}

/**
 * Has a replica answer reads, none of them staler than the primary would have: before each the primary is asked how far its
 * log goes, and the replica answers once it has replayed that much. So whoever reads sees what was acknowledged before, to
 * anybody and through any gateway. The question costs the primary next to nothing, and is asked once for all reads that
 * come while the last one is under way. What the replica can't answer soon the primary does.
 */
export class ReplicaReader {
  readonly #options: ReplicaReaderOptions;
  readonly #place: CachedRead<LogPlace>;
  #last: ReplicaOutcome = "answered";
  /** A time of performance.now(). */
  #restsUntil = 0;

  constructor(options: ReplicaReaderOptions) {
    this.#options = options;
    this.#place = new CachedRead(
      () => readPrimaryPlace((text) => options.primary.$queryRawUnsafe<PrimaryRow[]>(text)),
      () => performance.now(),
    );
  }

  /**
   * @param query asks the client that it is given, and changes nothing: it may be called twice
   * @throws what the query throws, and what a database that is away throws
   */
  async read<Answer>(query: (prisma: PrismaClient) => Promise<Answer>): Promise<Answer> {
    const { primary, replica, reached, onRead } = this.#options;
    if (performance.now() < this.#restsUntil) {
      onRead(this.#last);
      return query(primary);
    }
    // Others may have set one since: it is further on, and so will do for this one too.
    reached.place = await this.#place.get(0);
    try {
      const answer = await query(replica);
      this.#note("answered");
      return answer;
    } catch (error) {
      // The primary would take as long, or refuse it as well.
      if (error instanceof InvalidInputError || sqlStateOf(error) === queryCanceled) throw error;
      this.#restsUntil = performance.now() + restMs;
      this.#note(isBehind(error) ? "behind" : "away", error);
      return query(primary);
    }
  }

  /** Lets go of the replica; the primary stays. */
  async close(): Promise<void> {
    await this.#options.replica.$disconnect();
  }

  #note(outcome: ReplicaOutcome, error?: unknown): void {
    const { log, onRead } = this.#options;
    onRead(outcome);
    if (outcome === this.#last) return;
    this.#last = outcome;
    if (outcome === "answered") log.info("The replica answers reads again");
    else log.warn({ err: error }, `The replica is ${outcome}: reads go to the primary`);
  }
}

/** What a replica has to have replayed before it is asked anything. */
export interface ReachedPlace {
  place: LogPlace | null;
}

/**
 * Has each query of a pool wait, on the very session that it is then asked of, until the server has replayed so far: an
 * address may lead to one of several replicas.
 */
export function askWhenReached(pool: Pool, reached: ReachedPlace): void {
  Reflect.set(pool, "query", async (...statement: readonly unknown[]): Promise<unknown> => {
    const client = await pool.connect();
    try {
      if (reached.place === null) throw new Error("Nobody has said what the replica has to have replayed");
      await waitForReplay(client, reached.place);
      const answer = await ask(client, statement);
      client.release();
      return answer;
    } catch (error) {
      // One that is only behind is as good as any for the next read.
      client.release(!(error instanceof ReplicaBehindError));
      throw error;
    }
  });
}

/** With a callback, as a pool does: so the statement is one span in a trace, and not two. */
function ask(client: ClientBase, statement: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown, result: unknown): void => (error == null ? resolve(result) : reject(error));
    // oxlint-disable-next-line typescript/unbound-method -- it is called with the client
    Reflect.apply(client.query, client, [...statement, settle]);
  });
}

/** @throws ReplicaBehindError, and Error for one that is no standby of the primary */
async function waitForReplay(client: ClientBase, primary: LogPlace): Promise<void> {
  const deadline = performance.now() + replayWaitMs;
  for (let pauseMs = 1; ; pauseMs *= 2) {
    const replica = await readReplicaPlace(client);
    const unfit = unfitness(replica, primary);
    if (unfit !== null) throw new Error(`The replica ${unfit}`);
    if (replica.timeline !== primary.timeline)
      throw new ReplicaBehindError("The replica has not come to the primary's timeline");
    if (replica.position >= primary.position) return;
    if (performance.now() + pauseMs > deadline)
      throw new ReplicaBehindError("The replica has not replayed what was acknowledged");
    await wait(pauseMs);
  }
}

/**
 * Looks at a replica before anything is served: whether it is a standby of the primary.
 * @param url of the replica
 * @returns why it can't be asked at the moment; null where it can
 * @throws ConfigError that names the setting, where it is not only away
 */
export async function checkReplica(url: string, primary: DatabasePlace): Promise<string | null> {
  const place = await withClient(primary, (client) =>
    readPrimaryPlace(async (text) => (await client.query<PrimaryRow>(text)).rows),
  );
  try {
    await withClient({ url, setting: "DATABASE_REPLICA_URL" }, async (client) => {
      const unfit = unfitness(await readReplicaPlace(client), place);
      if (unfit !== null) throw new ConfigError(`this PostgreSQL ${unfit}`);
    });
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError) || error.cause instanceof ConfigError || !isDatabaseUnavailable(error.cause))
      throw error;
    return error.message;
  }
}

/** What keeps a server from ever answering for the primary; null where nothing does. */
function unfitness(replica: ReplicaPlace, primary: LogPlace): string | null {
  if (replica.system !== primary.system) return "is no standby of the primary: it is of another system";
  if (!replica.recovering) return "is no standby: it takes writes of its own";
  return null;
}

interface ReplicaPlace extends LogPlace {
  readonly recovering: boolean;
}

async function readPrimaryPlace(query: (text: string) => Promise<readonly PrimaryRow[]>): Promise<LogPlace> {
  const [row] = await query(primaryPlace);
  if (row === undefined) throw new Error("The primary did not say how far its log goes");
  return { ...row, position: BigInt(row.position) };
}

/** A server without a log of its own to replay has replayed nothing. */
async function readReplicaPlace(client: ClientBase): Promise<ReplicaPlace> {
  const { rows } = await client.query<ReplicaRow>(
    Object.assign({ text: replicaPlace }, { query_timeout: lookTimeoutMs }),
  );
  const [row] = rows;
  if (row === undefined) throw new Error("The replica did not say how far it is");
  return { ...row, position: BigInt(row.position ?? -1) };
}

/** Prisma passes on what its adapter threw, or wraps it. */
function isBehind(error: unknown): boolean {
  return error instanceof ReplicaBehindError || (error instanceof Error && isBehind(error.cause));
}
