import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { stockActions } from "../inventory/actions.ts";
import type { MetricSource } from "./metric-source.ts";
import { OperationNames } from "./operation-names.ts";
import { addWorkerLevels } from "./worker-levels.ts";

/** A request that has been answered, or whose connection was lost. */
export interface MeasuredRequest {
  readonly method: string;
  /** As the router knows it, `/v2/inventories/:productId`; null for a path that is not there. */
  readonly route: string | null;
  /** Of HTTP; `aborted` where the connection was lost before the end of the answer. */
  readonly status: number | "aborted";
  readonly seconds: number;
  /** Null for a request that got to no GraphQL operation. */
  readonly operation: MeasuredOperation | null;
}

/** A GraphQL operation that has been answered. */
export interface MeasuredOperation {
  /** `query`, `mutation`; empty for a document that can't be carried out. */
  readonly type: string;
  /** The root field; `(several)` for more than one, empty for a document that can't be carried out. */
  readonly field: string;
  /** As its client calls it; null where that has no name for it. */
  readonly name: string | null;
  /** `OK`, `REFUSED`, `FAILED`. */
  readonly outcome: string;
  /** Of the first error; null where all is well. */
  readonly code: string | null;
}

/** What is read when somebody asks for the metrics, and costs nothing until then. */
export interface Levels {
  /** Commands that wait for a group. */
  readonly queuedCommands: () => number;
  readonly queueCommandsMax: number;
  readonly watchers: () => number;
  readonly watchersMax: number;
  readonly pools: readonly PoolLevels[];
}

/** Database connections that are lent and taken back. */
export interface PoolLevels {
  readonly name: string;
  readonly connectionsMax: number;
  readonly use: () => { readonly connections: number; readonly idle: number; readonly waiting: number };
}

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const databaseSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const groupSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** What one process counts and times, for Prometheus. */
export class Metrics implements MetricSource {
  readonly #registry = new Registry();
  readonly #names = new OperationNames();
  readonly #requests: Histogram<"method" | "route" | "status">;
  readonly #operations: Histogram<"type" | "field" | "operation" | "outcome" | "code">;
  readonly #stockTransactions: Counter<"action" | "outcome">;
  readonly #groupSizes: Histogram;
  readonly #settling: Histogram;
  readonly #committing: Histogram;
  readonly #groupFailures: Counter<"kind" | "sqlstate">;
  readonly #replicaReads: Counter<"outcome">;

  /** @param version the gateway's */
  constructor(version: string) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: "inventory_build_info",
      help: "The gateway's version; always 1.",
      labelNames: ["version"],
      aggregator: "first",
      registers,
    }).set({ version }, 1);
    addWorkerLevels(this.#registry, { serving: () => 1, max: 1 });
    this.#requests = new Histogram({
      name: "inventory_http_request_duration_seconds",
      help: "Requests by route and status, other than GraphQL operations: how many, and how long they took to the end of the answer.",
      labelNames: ["method", "route", "status"],
      buckets: requestSeconds,
      registers,
    });
    this.#operations = new Histogram({
      name: "inventory_graphql_operation_duration_seconds",
      help: "GraphQL queries and mutations by root field, the client's name for the operation, outcome and the first error's code.",
      labelNames: ["type", "field", "operation", "outcome", "code"],
      buckets: requestSeconds,
      registers,
    });
    this.#stockTransactions = new Counter({
      name: "inventory_stock_transactions_total",
      help: "Stock transactions asked for, and deletions of stock, by action and by what became of them.",
      labelNames: ["action", "outcome"],
      registers,
    });
    this.#groupSizes = this.#histogram("inventory_group_commands", "Commands in a committed group.", groupSizes);
    this.#settling = this.#histogram(
      "inventory_group_settle_duration_seconds",
      "How long a committed group's database transaction took, from the wait for a connection to the acknowledged COMMIT.",
      databaseSeconds,
    );
    this.#committing = this.#histogram(
      "inventory_group_commit_duration_seconds",
      "How long COMMIT took from the answer to the statement that it was sent along with.",
      databaseSeconds,
    );
    this.#groupFailures = new Counter({
      name: "inventory_group_failures_total",
      help: "Attempts at a group that failed, most of which are tried again, by kind and by PostgreSQL's SQLSTATE (none: the connection).",
      labelNames: ["kind", "sqlstate"],
      registers,
    });
    this.#replicaReads = new Counter({
      name: "inventory_replica_reads_total",
      help: "Reads that the replica was to answer: those that it answered, and those that the primary did because it was behind or away.",
      labelNames: ["outcome"],
      registers,
    });
    this.#beginWithZero();
  }

  /** Has what is read on demand read from here. To be called once. */
  watch({ queuedCommands, queueCommandsMax, watchers, watchersMax, pools }: Levels): void {
    this.#level("inventory_queue_commands", "Stock transactions that wait for a group.", queuedCommands);
    this.#level(
      "inventory_queue_commands_max",
      "How many may wait, past which the answer is 503.",
      () => queueCommandsMax,
    );
    this.#level("inventory_watchers", "Subscriptions that are open.", watchers);
    this.#level("inventory_watchers_max", "How many may be open.", () => watchersMax);
    this.#pools(
      "inventory_database_connections",
      "Database connections by pool.",
      pools.map(({ name, use }) => [name, () => use().connections]),
    );
    this.#pools(
      "inventory_database_connections_busy",
      "Database connections that are in use.",
      pools.map(({ name, use }) => [name, () => use().connections - use().idle]),
    );
    this.#pools(
      "inventory_database_connections_max",
      "How many database connections a pool may have.",
      pools.map(({ name, connectionsMax }) => [name, () => connectionsMax]),
    );
    this.#pools(
      "inventory_database_waiting",
      "What waits for a database connection.",
      pools.map(({ name, use }) => [name, () => use().waiting]),
    );
  }

  /** Once for each: what is a GraphQL operation counts as such only, for counting it costs as much as all else of it here. */
  countRequest({ method, route, status, seconds, operation }: MeasuredRequest): void {
    if (operation === null) return this.#requests.observe({ method, route: route ?? "", status }, seconds);
    const { type, field, outcome, code } = operation;
    const name = this.#names.bound(field, operation.name);
    this.#operations.observe({ type, field, operation: name, outcome, code: code ?? "" }, seconds);
  }

  countStockTransactions(action: string, outcome: string): void {
    this.#stockTransactions.inc({ action, outcome });
  }

  countGroup(commands: number, seconds: number): void {
    this.#groupSizes.observe(commands);
    this.#settling.observe(seconds);
  }

  countCommit(seconds: number): void {
    this.#committing.observe(seconds);
  }

  countGroupFailure(kind: string, sqlState: string | null): void {
    this.#groupFailures.inc({ kind, sqlstate: sqlState ?? "none" });
  }

  countReplicaRead(outcome: string): void {
    this.#replicaReads.inc({ outcome });
  }

  async read(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The same for another process, which adds it up with others. */
  async readParts(): Promise<readonly object[]> {
    return this.#registry.getMetricsAsJSON();
  }

  /** What alerts wait for has to be there before: the first of its kind is no increase of a series that begins with it. */
  #beginWithZero(): void {
    for (const action of [...stockActions, "DELETE"])
      for (const outcome of ["APPLIED", "NOT_APPLIED", "UNKNOWN", "FAULT"])
        this.#stockTransactions.inc({ action, outcome }, 0);
    for (const outcome of ["answered", "behind", "away"]) this.#replicaReads.inc({ outcome }, 0);
    for (const sqlstate of ["53100", "53300"]) this.#groupFailures.inc({ kind: "transient", sqlstate }, 0);
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }

  #level(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(read()) });
  }

  #pools(name: string, help: string, pools: readonly (readonly [string, () => number])[]): void {
    const gauge: Gauge<"pool"> = new Gauge({
      name,
      help,
      labelNames: ["pool"],
      registers: [this.#registry],
      collect: () => {
        for (const [pool, read] of pools) gauge.set({ pool }, read());
      },
    });
  }
}
