import type { Attempt, AttemptOutcome } from "./access/attempt-limiter.ts";
import type { MetricParts } from "./metrics/metric-sum.ts";

/** What a worker is given before it serves. */
export interface WorkerOrders {
  readonly databaseUrl: string;
  readonly databaseReplicaUrl: string | null;
  /** One that is free: each worker listens on the same. */
  readonly port: number;
  /** This worker's share. */
  readonly databasePoolSize: number;
  /** What the collector of traces wants; empty where there is none. */
  readonly traceHeaders: Readonly<Record<string, string>>;
}

/** From the primary to a worker. Both run the same release, so that what arrives is taken at its word. */
export type PrimaryMessage =
  | { readonly kind: "serve"; readonly orders: WorkerOrders }
  | { readonly kind: "attempt admitted"; readonly id: number }
  | {
      readonly kind: "attempt refused";
      readonly id: number;
      readonly message: string;
      readonly retryAfterSeconds: number;
    }
  | { readonly kind: "read metrics" }
  | { readonly kind: "stop" };

/** From a worker to the primary. */
export type WorkerMessage =
  | { readonly kind: "started" }
  | { readonly kind: "serving"; readonly url: string }
  /** It can't serve, and ends. `setting` is at fault where the message names one. */
  | { readonly kind: "failed"; readonly message: string; readonly isSetting: boolean }
  /** It asks whether that may begin. The id is the worker's own. */
  | { readonly kind: "attempt"; readonly id: number; readonly attempt: Attempt }
  | { readonly kind: "attempt over"; readonly id: number; readonly outcome: AttemptOutcome }
  | { readonly kind: "metrics"; readonly parts: MetricParts };
