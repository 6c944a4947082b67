import { setFlagsFromString } from "node:v8";
import "reflect-metadata";
import type { FastifyBaseLogger } from "fastify";
import type { Pool } from "pg";
import { AccessControl } from "./access/access-control.ts";
import type { AttemptGate } from "./access/attempt-limiter.ts";
import { ApiClients } from "./access/api-clients.ts";
import { MeteredAuthenticator } from "./access/metered-authenticator.ts";
import { RateLimits } from "./access/rate-limits.ts";
import { SigningKeys } from "./access/signing-keys.ts";
import type { Config } from "./config.ts";
import { PostgresChangeSignal } from "./database/change-signal.ts";
import { PrismaApiClientStorage } from "./database/api-clients.ts";
import { DatabaseClock } from "./database/clock.ts";
import { PrismaInventoryQueries } from "./database/inventory-queries.ts";
import { PrismaLedger } from "./database/ledger.ts";
import { createPool } from "./database/pool.ts";
import type { PrismaClient } from "./database/generated/client.ts";
import { createPrismaOver } from "./database/prisma.ts";
import { PrismaInventoryStorage } from "./database/inventory-storage.ts";
import { askWhenReached, ReplicaReader } from "./database/replica.ts";
import type { ReachedPlace, ReplicaOutcome } from "./database/replica.ts";
import { PrismaSigningKeyStorage } from "./database/signing-keys.ts";
import type { StreamTimings } from "./graphql/stream-timings.ts";
import { createServer } from "./http/server.ts";
import { Feed } from "./inventory/feed.ts";
import { GroupCommit } from "./inventory/group-commit.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { Settler } from "./inventory/inventory.ts";
import { MeteredSettler } from "./metrics/metered-settler.ts";
import { MeteredStorage } from "./metrics/metered-storage.ts";
import type { Metrics, PoolLevels } from "./metrics/metrics.ts";
import { GroupTraces } from "./tracing/group-traces.ts";
import { TracedSettler } from "./tracing/traced-settler.ts";
import type { Tracing } from "./tracing/tracing.ts";

/** What a gateway is started with, besides a migrated database. */
export interface GatewayOptions extends Pick<
  Config,
  | "host"
  | "port"
  | "introspection"
  | "federation"
  | "outsideIssuer"
  | "corsOrigins"
  | "trustedProxies"
  | "rateLimits"
  | "requestTimeoutMs"
  | "lanes"
  | "databasePoolSize"
  | "watchersMax"
  | "watchersPerClientMax"
> {
  readonly databaseUrl: string;
  /** Null where there is none. */
  readonly databaseReplicaUrl?: string | null | undefined;
  readonly logger: FastifyBaseLogger;
  /** Settles commands in place of the gateway's own groups: the benchmark compares with others. */
  readonly settler?: Settler | undefined;
  /** For all processes of the gateway, where there are several. */
  readonly attempts?: AttemptGate | undefined;
  /** Null where nobody asks for them. */
  readonly metrics?: Metrics | null | undefined;
  /** The same. It is closed with the gateway. */
  readonly tracing?: Tracing | null | undefined;
  /** Those that are not as usual: tests can't wait for so long. */
  readonly streamTimings?: Partial<StreamTimings> | undefined;
  /** How often an operation is carried out before it is compiled: tests send most documents once. */
  readonly usesBeforeCompiled?: number | undefined;
}

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly clients: ApiClients;
  /** Takes no more connections, answers what was accepted, and lets go of the database. */
  close(): Promise<void>;
}

/**
 * V8 collects when the heap has grown so much since it last did. By itself it waits for four times the size, of which a
 * hundred megabytes are what requests have left behind.
 */
const heapGrowth = "--heap-growing-percent=100";

/** Puts the parts together over a migrated database, and listens. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { databaseUrl, metrics = null, tracing = null } = options;
  setFlagsFromString(heapGrowth);
  const { writing, reading, following, replica, pools } = createClients(options);
  const changes = new PostgresChangeSignal(databaseUrl, options.logger);
  const { groupCommit, settler } = createSettlers(options, writing, changes);
  const feed = new Feed(new PrismaLedger(following), changes, options);
  metrics?.watch({
    queuedCommands: () => groupCommit.queuedCommands,
    queueCommandsMax: groupCommit.queueCommandsMax,
    watchers: () => feed.watchers,
    watchersMax: options.watchersMax,
    pools,
  });
  const clock = new DatabaseClock(reading);
  const clients = new ApiClients(new PrismaApiClientStorage(reading), clock.now);
  const keys = new SigningKeys(new PrismaSigningKeyStorage(reading), clock.now);
  const access = new AccessControl({
    clients,
    keys,
    outsideIssuer: options.outsideIssuer ?? undefined,
    clock: clock.now,
    lookAtClock: () => clock.look(),
    attempts: options.attempts,
  });
  const rateLimits = new RateLimits(options.rateLimits, clock.now);
  const disconnect = async (): Promise<void> => {
    await groupCommit.close();
    await Promise.all([writing.$disconnect(), reading.$disconnect(), following.$disconnect(), changes.close()]);
    await replica?.close();
    await tracing?.close();
  };
  try {
    await clock.look();
    await access.prepare();
    const server = await createServer({
      logger: options.logger,
      corsOrigins: options.corsOrigins,
      trustedProxies: options.trustedProxies,
      requestTimeoutMs: options.requestTimeoutMs,
      introspection: options.introspection,
      federation: options.federation,
      metrics,
      tracing,
      inventory: new Inventory(settler),
      queries: new PrismaInventoryQueries(reading, replica),
      feed,
      webSocketsMax: options.watchersMax,
      streamAuthenticator: access,
      authenticator: new MeteredAuthenticator(access, rateLimits),
      rateLimits,
      streamTimings: options.streamTimings,
      usesBeforeCompiled: options.usesBeforeCompiled,
      access,
      pingDatabase: () => reading.$queryRaw`SELECT 1`,
    });
    const url = await server.listen({ host: options.host, port: options.port });
    return {
      url,
      clients,
      close: async () => {
        await server.close();
        await disconnect();
      },
    };
  } catch (error) {
    await disconnect();
    throw error;
  }
}

/** What settles commands, and what it hands them to: watched, as far as somebody asks for it. */
function createSettlers(
  { settler, lanes, metrics = null, tracing = null }: GatewayOptions,
  writing: PrismaClient,
  changes: PostgresChangeSignal,
): { readonly groupCommit: GroupCommit; readonly settler: Settler } {
  const storage = new PrismaInventoryStorage(writing, (ms) => metrics?.countCommit(ms / 1_000));
  const traces = tracing === null ? null : new GroupTraces(tracing);
  const groupCommit = new GroupCommit(metrics === null ? storage : new MeteredStorage(storage, metrics), {
    lanes,
    onApplied: () => changes.announce(),
    ...(traces === null ? {} : { aroundAttempt: (batches, attempt) => traces.around(batches, attempt) }),
  });
  const plain = settler ?? groupCommit;
  const metered = metrics === null ? plain : new MeteredSettler(plain, metrics);
  return { groupCommit, settler: traces === null ? metered : new TracedSettler(metered, traces) };
}

/** What reads, what writes, and what follows the ledger. */
interface Clients {
  readonly writing: PrismaClient;
  readonly reading: PrismaClient;
  readonly following: PrismaClient;
  /** Reads too, as far as it can; null where there is none. */
  readonly replica: ReplicaReader | null;
  readonly pools: readonly PoolLevels[];
}

/** Three pools: reads never keep a group waiting for a connection, nor those who have much to catch up with the other reads. */
function createClients(options: GatewayOptions): Clients {
  const { databaseUrl, lanes, databasePoolSize, tracing = null } = options;
  // One for each lane, and one for those that wait aside.
  const groups = createPool(databaseUrl, {
    name: "inventory-gateway groups",
    poolSize: lanes + 1,
    plansOnce: true,
  });
  const reads = createPool(databaseUrl, { name: "inventory-gateway", poolSize: databasePoolSize });
  const feed = createPool(databaseUrl, { name: "inventory-gateway feed", poolSize: 2 });
  for (const pool of [groups, reads, feed]) tracing?.watchPool(pool);
  const reading = createPrismaOver(reads, { preparesStatements: false });
  const replica = createReplica(options, reading);
  return {
    writing: createPrismaOver(groups, { preparesStatements: true }),
    reading,
    following: createPrismaOver(feed, { preparesStatements: true }),
    replica: replica?.reader ?? null,
    pools: [
      levelsOf("groups", groups),
      levelsOf("reads", reads),
      levelsOf("feed", feed),
      ...(replica === null ? [] : [levelsOf("replica", replica.pool)]),
    ],
  };
}

function createReplica(
  { databaseReplicaUrl = null, databasePoolSize, logger, metrics = null, tracing = null }: GatewayOptions,
  primary: PrismaClient,
): { readonly reader: ReplicaReader; readonly pool: Pool } | null {
  if (databaseReplicaUrl === null) return null;
  const pool = createPool(databaseReplicaUrl, {
    name: "inventory-gateway replica",
    poolSize: databasePoolSize,
    readsOnly: true,
  });
  const reached: ReachedPlace = { place: null };
  askWhenReached(pool, reached);
  tracing?.watchPool(pool);
  const replica = createPrismaOver(pool, { preparesStatements: false });
  const onRead = (outcome: ReplicaOutcome): void => metrics?.countReplicaRead(outcome);
  return { reader: new ReplicaReader({ primary, replica, reached, log: logger, onRead }), pool };
}

function levelsOf(name: string, pool: Pool): PoolLevels {
  return {
    name,
    connectionsMax: pool.options.max,
    use: () => ({ connections: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}
