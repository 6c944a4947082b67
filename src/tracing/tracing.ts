import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingHttpHeaders } from "node:http";
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import type { Attributes, Context, Span, Tracer } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { fail } from "./failure.ts";
import { ToldExporter } from "./told-exporter.ts";
import { traceStatements } from "./statement-spans.ts";

/** Where traces go, and how many. */
export interface TracingOptions {
  /** Takes OTLP over HTTP: the whole address. */
  readonly endpoint: URL;
  /** Sent with each request to it; they may hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** The share of requests that are traced where the caller has not decided, 0 to 1. */
  readonly sampleRatio: number;
}

/** How long the collector may take to answer, in milliseconds: a stop waits for it. */
const exportTimeoutMs = 5_000;

/**
 * Follows requests through the gateway, and sends what they did to a collector. Loading this file loads OpenTelemetry: it
 * is imported where traces are asked for, and elsewhere as a type only.
 */
export class Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();
  /** Of ours rather than OpenTelemetry's global one, so that two gateways in a process don't mix. */
  readonly #current = new AsyncLocalStorage<Span | null>();

  constructor(version: string, { endpoint, headers, serviceName, sampleRatio }: TracingOptions, logger: Logger) {
    const exporter = new OTLPTraceExporter({ url: endpoint.href, headers, timeoutMillis: exportTimeoutMs });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": serviceName, "service.version": version }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanProcessors: [new BatchSpanProcessor({ exporter: new ToldExporter(exporter, logger) })],
    });
    this.#tracer = this.#provider.getTracer("inventory-gateway", version);
  }

  /** The span of what runs now; null where there is none, it has ended or it is not recorded. */
  get current(): Span | null {
    const span = this.#current.getStore() ?? null;
    return span?.isRecording() === true ? span : null;
  }

  /** Starts the span of a request: part of its caller's trace, where `traceparent` names one. */
  startRequest(name: string, headers: IncomingHttpHeaders, attributes: Attributes): Span {
    const caller = this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    return this.#start(SpanKind.SERVER, name, attributes, caller);
  }

  /** Starts the span of a part of something that has one. */
  startPart(parent: Span, name: string, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL): Span {
    return this.#start(kind, name, attributes, trace.setSpan(ROOT_CONTEXT, parent));
  }

  /** Runs something as what the span stands for; with null, as nobody's. */
  within<T>(span: Span | null, run: () => T): T {
    return this.#current.run(span, run);
  }

  /** The same, and ends the span with it. Of an error nothing is told but its name: its message may hold what is in a row. */
  async measure<T>(span: Span, run: () => Promise<T>): Promise<T> {
    try {
      return await this.within(span, run);
    } catch (error) {
      fail(span, error instanceof Error ? error.name : "Error");
      throw error;
    } finally {
      span.end();
    }
  }

  /** Has the statements that run over the pool's connections for something that is traced show in its trace. */
  watchPool(pool: Pool): void {
    traceStatements(pool, this);
    pool.on("connect", (client) => traceStatements(client, this));
  }

  /** Marks what a span stands for as failed. @param type an error's code or name */
  fail(span: Span, type: string): void {
    fail(span, type);
  }

  /** Sends what has not been sent yet. */
  async close(): Promise<void> {
    // What can't be sent has been told of, and is no reason to fail a stop.
    await this.#provider.shutdown().catch(() => undefined);
  }

  #start(kind: SpanKind, name: string, attributes: Attributes, parent: Context): Span {
    return this.#tracer.startSpan(name, { kind, attributes }, parent);
  }
}
