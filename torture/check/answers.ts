import { isDefinite, isUnknown } from "../load/operation.ts";
import type { Line, LineOutcome, OperationRecord } from "../load/operation.ts";
import { isSameOutcome } from "../load/resolution.ts";
import type { Ledger, LedgerRow } from "./ledger.ts";
import type { Findings } from "./tally.ts";

/** Holds what clients were told against the ledger, line by line. */
export function compareAnswers(records: readonly OperationRecord[], ledger: Ledger, findings: Findings): void {
  const rowsOf = new Map<string | null, LedgerRow[]>();
  for (const row of ledger.rows) rowsOf.set(row.reference, [...(rowsOf.get(row.reference) ?? []), row]);
  for (const record of records) {
    countRequests(record, findings);
    for (const [index, line] of record.operation.lines.entries()) {
      const rows = rowsOf.get(line.reference) ?? [];
      rowsOf.delete(line.reference);
      compareLine({ record, index, line, rows }, findings);
    }
  }
  for (const [reference, rows] of rowsOf)
    for (const { productId, version } of rows)
      findings.add("unexplained", `${productId} version ${version} (${reference})`);
}

function countRequests({ attempts, operation }: OperationRecord, { tally }: Findings): void {
  tally.requests += attempts.length;
  tally.turnedAway += attempts.filter(({ answer }) => answer.kind === "turned-away").length;
  const settled = attempts.find(({ answer }) => answer.kind === "settled")?.answer;
  if (settled?.kind !== "settled" || operation.lines.length === 0) return;
  tally.acknowledged += settled.outcomes.filter(({ kind }) => kind === "applied").length;
  tally.refused += settled.outcomes.filter(({ kind }) => kind === "refused").length;
}

interface LineCase {
  readonly record: OperationRecord;
  readonly index: number;
  readonly line: Line;
  readonly rows: readonly LedgerRow[];
}

function compareLine({ record, index, line, rows }: LineCase, findings: Findings): void {
  const told = toldOf(record, index);
  if (rows.length > 1) findings.add("doubled", `${describe(line)} stands ${rows.length} times in the ledger`);
  const [first, ...later] = told;
  for (const outcome of later)
    if (first !== undefined && !isSameOutcome(first, outcome))
      findings.add("contradicted", `${describe(line)} was answered ${first.kind}, and then ${outcome.kind}`);
  const [row] = rows;
  for (const outcome of told) compareOutcome({ line, outcome, row }, findings);
  const { attempts } = record;
  const isDenied = attempts.length > 0 && !attempts.some(({ answer }) => isDefinite(answer) || isUnknown(answer));
  if (isDenied && row !== undefined)
    findings.add("refusedButApplied", `${describe(line)} was answered "not applied", and is version ${row.version}`);
}

function toldOf({ attempts }: OperationRecord, index: number): LineOutcome[] {
  return attempts.flatMap(({ answer }) => (answer.kind === "settled" ? (answer.outcomes[index] ?? []) : []));
}

function compareOutcome(
  { line, outcome, row }: { line: Line; outcome: LineOutcome; row: LedgerRow | undefined },
  findings: Findings,
): void {
  if (outcome.kind === "refused") {
    if (row !== undefined)
      findings.add(
        "refusedButApplied",
        `${describe(line)} was refused (${outcome.status}), and is version ${row.version}`,
      );
    return;
  }
  if (row === undefined) {
    findings.add("lost", `${describe(line)} was answered as ${outcome.id}, and is not in the ledger`);
    return;
  }
  const { id, version, availableAfter, allocatedAfter } = outcome;
  const isSame =
    id === row.id &&
    (version === null || version === row.version) &&
    (availableAfter === null || availableAfter === row.availableAfter) &&
    (allocatedAfter === null || allocatedAfter === row.allocatedAfter) &&
    line.action === row.action &&
    line.quantity === row.quantity &&
    line.productId === row.productId;
  if (!isSame)
    findings.add(
      "contradicted",
      `${describe(line)} was answered ${JSON.stringify(outcome)}, and is ${JSON.stringify(row)}`,
    );
}

function describe({ reference, action, quantity, productId }: Line): string {
  return `${reference} (${action} ${quantity} of ${productId})`;
}
