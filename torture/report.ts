import { violationNames } from "./check/tally.ts";
import type { Tally } from "./check/tally.ts";
import type { CampaignReport } from "./campaign.ts";

const columns: readonly (readonly [title: string, cell: (tally: Tally) => string | number])[] = [
  ["rounds", ({ rounds }) => rounds],
  ["struck", ({ struck }) => (struck === 0 ? "0 !" : struck)],
  ["requests", ({ requests }) => requests],
  ["acknowledged", ({ acknowledged }) => acknowledged],
  ["refused", ({ refused }) => refused],
  ["turned away", ({ turnedAway }) => turnedAway],
  ["unknown", ({ unknown }) => unknown],
  ["= applied", ({ unknownApplied }) => unknownApplied],
  ["= refused", ({ unknownRefused }) => unknownRefused],
  ["= never", ({ unknownNever }) => unknownNever],
  ["no key", ({ unknownWithoutKey }) => unknownWithoutKey],
  ["recovered, s", ({ recoveryMsMax }) => (recoveryMsMax / 1_000).toFixed(1)],
  ["unserved, s", ({ unservedMsMax }) => (unservedMsMax / 1_000).toFixed(1)],
  ["lost", ({ lost }) => lost],
  ["doubled", ({ doubled }) => doubled],
  ["other", (tally) => otherViolations(tally) || 0],
];

/** A line for each fault, and one for all of them. */
export function toTable({ faults, totals }: CampaignReport): string {
  const rows = [
    ["fault", ...columns.map(([title]) => title)],
    ...faults.map((fault) => [fault.name, ...columns.map(([, cell]) => String(cell(fault)))]),
    ["all", ...columns.map(([, cell]) => String(cell(totals)))],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

/** Faults that were run and never struck: they have not been survived. */
export function namesOfUnstruck({ faults, notRun }: CampaignReport): readonly string[] {
  const unstruck = faults.filter(({ struck }) => struck === 0).map(({ name }) => name);
  return unstruck.filter((name) => !notRun.some((fault) => fault.name === name));
}

/** Those with a number: "drift 3, contradicted 1". */
export function namesOfViolations(tally: Tally): string {
  return violationNames
    .filter((name) => tally[name] > 0)
    .map((name) => `${name} ${tally[name]}`)
    .join(", ");
}

function otherViolations(tally: Tally): string {
  return violationNames
    .filter((name) => name !== "lost" && name !== "doubled" && tally[name] > 0)
    .map((name) => `${name} ${tally[name]}`)
    .join(", ");
}
