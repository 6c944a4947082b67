import { printCsv } from "../csv/csv.ts";
import type { BulkRun } from "./bulk-run.ts";
import type { BulkLine } from "./lines.ts";

const header = [
  "line",
  "product_id",
  "action",
  "quantity",
  "reason",
  "reference",
  "note",
  "outcome",
  "detail",
  "available_after",
  "allocated_after",
  "version",
] as const;

/** A line's outcome in a word or two, and what there is to say of it. */
export interface LineStatus {
  readonly kind: "invalid" | "waiting" | "done" | "repeated" | "refused";
  readonly label: string;
  readonly detail: string;
}

export function statusOf(run: BulkRun, line: BulkLine): LineStatus {
  if (line.problem !== null) return { kind: "invalid", label: "Not sent", detail: line.problem };
  const outcome = run.outcomeOf(line);
  if (outcome === undefined) return { kind: "waiting", label: "To be sent", detail: "" };
  if (outcome.kind === "refused") return { kind: "refused", label: "Refused", detail: outcome.message };
  if (outcome.isRepeated) return { kind: "repeated", label: "Done before", detail: "Not done a second time" };
  return { kind: "done", label: "Done", detail: "" };
}

/** What became of each line of the file, as CSV. */
export function reportOf(run: BulkRun): string {
  return printCsv([header, ...run.file.lines.map((line) => reportRow(run, line))]);
}

function reportRow(run: BulkRun, line: BulkLine): (string | number)[] {
  const { productId, action, quantity, reason, reference, note } = line.text;
  const { label, detail } = statusOf(run, line);
  const outcome = run.outcomeOf(line);
  const done = outcome?.kind === "done" ? outcome.stockTransaction : null;
  const levels = done === null ? ["", "", ""] : [done.availableAfter, done.allocatedAfter, done.version];
  return [line.number, productId, action, quantity, reason, reference, note, label, detail, ...levels];
}
