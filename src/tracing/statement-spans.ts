import { SpanKind } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";
import { fail } from "./failure.ts";
import type { Tracing } from "./tracing.ts";

/**
 * Has each statement that is asked of a pool or of a connection show as a span, where what asks has one. The statement's text has
 * no values: they are its parameters.
 * @param target its `query` is replaced; calls with a callback are left alone, which is how a pool passes its own on
 */
export function traceStatements(target: object, tracing: Pick<Tracing, "current" | "startPart">): void {
  const query: unknown = Reflect.get(target, "query");
  if (typeof query !== "function") throw new TypeError("There is no query to trace");
  Reflect.set(target, "query", (...given: readonly unknown[]): unknown => {
    const asks = tracing.current;
    if (asks === null || typeof given.at(-1) === "function") return Reflect.apply(query, target, given);
    const text = textOf(given[0]);
    const attributes = { "db.system.name": "postgresql", "db.query.text": text };
    const span = tracing.startPart(asks, verbOf(text), attributes, SpanKind.CLIENT);
    const answer: unknown = Reflect.apply(query, target, given);
    if (!(answer instanceof Promise)) span.end();
    else answer.then(() => span.end()).catch((error: unknown) => end(span, error));
    return answer;
  });
}

function end(span: Span, error: unknown): void {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  const told = typeof code === "string" ? code : "Error";
  if (/^[0-9A-Z]{5}$/.test(told)) span.setAttribute("db.response.status_code", told);
  fail(span, told);
  span.end();
}

function textOf(query: unknown): string {
  if (typeof query === "string") return query;
  const text: unknown = typeof query === "object" && query !== null ? Reflect.get(query, "text") : "";
  return typeof text === "string" ? text : "";
}

/** SELECT, COMMIT, WITH. */
function verbOf(text: string): string {
  return /[a-z]+/i.exec(text)?.[0].toUpperCase() ?? "SQL";
}
