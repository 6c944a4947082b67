/** Loaded before a program: says on stderr when it imports what metrics and traces are made with. */
import { register } from "node:module";

const hooks = `
  import { writeSync } from "node:fs";
  export async function resolve(specifier, context, next) {
    if (specifier === "prom-client" || specifier.startsWith("@opentelemetry/")) writeSync(2, "imports " + specifier + "\\n");
    return next(specifier, context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
