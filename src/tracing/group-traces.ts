import type { Span } from "@opentelemetry/api";
import type { CommandBatch } from "../inventory/commands.ts";
import type { Tracing } from "./tracing.ts";

/**
 * A group carries the batches of many requests, and its span can have only one parent: it is part of the first request's trace, and
 * every request's span has a link to it.
 */
export class GroupTraces {
  readonly #tracing: Tracing;
  readonly #requests = new WeakMap<CommandBatch, Span>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** Remembers for which request the batch is settled. */
  note(batch: CommandBatch): void {
    const request = this.#tracing.current;
    if (request !== null) this.#requests.set(batch, request);
  }

  /** Runs an attempt at a group as what its span stands for; as nobody's, where none of its requests is traced. */
  around<T>(batches: readonly CommandBatch[], attempt: () => Promise<T>): Promise<T> {
    const requests = new Set(
      batches.flatMap((batch) => this.#requests.get(batch) ?? []).filter((span) => span.isRecording()),
    );
    const [first] = requests;
    if (first === undefined) return this.#tracing.within(null, attempt);
    const commands = batches.reduce((count, batch) => count + batch.commands.length, 0);
    const attributes = { "inventory.group.commands": commands, "inventory.group.batches": batches.length };
    const group = this.#tracing.startPart(first, "group", attributes);
    for (const request of requests) request.addLink({ context: group.spanContext() });
    return this.#tracing.measure(group, attempt);
  }
}
