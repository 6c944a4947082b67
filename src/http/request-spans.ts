import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Span } from "@opentelemetry/api";
import { asksForEventStream } from "../graphql/event-stream.ts";
import { asksForWebSocket } from "../graphql/upgrade.ts";
import type { Tracing } from "../tracing/tracing.ts";

/**
 * Has each request be a span, and whatever is done for it a part of it. Streams have none: they take as long as they are
 * listened to.
 */
export class RequestSpans {
  readonly #tracing: Tracing;
  readonly #spans = new WeakMap<FastifyRequest, Span>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** To be called before any other hook is added. */
  addHooks(app: FastifyInstance): void {
    app.addHook("onRequest", (request, _reply, done) => {
      if (asksForEventStream(request) || asksForWebSocket(request)) return done();
      const { method, id, routeOptions } = request;
      const route = routeOptions.url ?? "";
      const attributes = { "http.request.method": method, "http.route": route, "inventory.request.id": id };
      const span = this.#tracing.startRequest(`${method} ${route}`.trim(), request.headers, attributes);
      this.#spans.set(request, span);
      this.#tracing.within(span, done);
    });
  }

  /** @returns the id of the trace that the request is a part of, where it is recorded */
  end(
    request: FastifyRequest,
    reply: FastifyReply,
    { client, outcome }: { readonly client: string | undefined; readonly outcome: string },
  ): string | undefined {
    const span = this.#spans.get(request);
    if (span?.isRecording() !== true) return undefined;
    span.setAttributes({ "http.response.status_code": reply.statusCode, "inventory.outcome": outcome });
    if (client !== undefined) span.setAttribute("inventory.client.id", client);
    if (reply.statusCode >= 500) this.#tracing.fail(span, String(reply.statusCode));
    else if (outcome === "ABORTED") this.#tracing.fail(span, "aborted");
    span.end();
    return span.spanContext().traceId;
  }
}
