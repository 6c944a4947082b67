import { pino } from "pino";
import type { Logger } from "pino";
import type { Config } from "./config.ts";

/** What a request's line tells in its one sentence, and other lines behind theirs. */
const toldFields = ["method", "path", "operation", "status", "outcome", "code", "ms", "client", "trace", "id"] as const;

/** A log on standard output: one JSON object a line, or a line for people where it is a terminal. */
export async function createLogger(level: Config["logLevel"], isTerminal: boolean): Promise<Logger> {
  if (!isTerminal) return pino({ level });
  const { default: pretty } = await import("pino-pretty");
  const stream = pretty({
    // At the end of the process nothing is left to be written.
    sync: true,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: ["pid", "hostname", ...toldFields].join(","),
    messageFormat: (line, messageKey) => sentenceOf(line, wordsOf(line[messageKey])),
  });
  return pino({ level }, stream);
}

/** `POST /graphql mutation createStockTransaction 200 OK 3.1 ms admin 6f9d…` for a request. */
function sentenceOf(line: Readonly<Record<string, unknown>>, message: string): string {
  const told = toldFields.flatMap((field) => {
    const words = wordsOf(line[field]);
    return words === "" ? [] : [field === "ms" ? `${words} ms` : words];
  });
  return (message === "request" ? told : [message, ...told]).join(" ");
}

/** An operation's type, field and name; anything else as it is. */
function wordsOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return "";
  const [type, field, name] = ["type", "field", "name"].map((key) => wordsOf(Reflect.get(value, key)));
  return `${type} ${field}${name === "" ? "" : ` (${name})`}`;
}
