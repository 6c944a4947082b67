import { SpanStatusCode } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";

/** Marks what a span stands for as failed. @param type an error's code or name */
export function fail(span: Span, type: string): void {
  span.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR });
}
