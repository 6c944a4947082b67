import type { SpanExporter, ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";

/** What an exporter calls back with. */
type Done = Parameters<SpanExporter["export"]>[1];

/** Says in the log when traces can't be sent any more, and when they can again. */
export class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #logger: Logger;
  #fails = false;

  constructor(exporter: SpanExporter, logger: Logger) {
    this.#exporter = exporter;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#exporter.export(spans, (result) => {
      const fails = result.error !== undefined;
      if (fails && !this.#fails)
        this.#logger.warn({ reason: result.error?.message }, "Traces can't be sent: they are lost");
      if (!fails && this.#fails) this.#logger.info("Traces can be sent again");
      this.#fails = fails;
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }
}
