import type { Command, CommandBatch } from "../../src/inventory/commands.ts";
import { refusalCatalogue } from "../../src/inventory/errors.ts";
import { settle } from "../../src/inventory/settle.ts";
import type { Outcome } from "../../src/inventory/stock-transaction.ts";
import type { StockRecord } from "../../src/inventory/stock.ts";
import type { Line, LineOutcome, SeenStock } from "../load/operation.ts";
import type { Step } from "./history.ts";

/** A product as it stands between two steps; null before its first. */
export type State = StockRecord | null;

/** Time has no part in what is checked here. */
const now = new Date(0);

/** What a step does to a product in this state. @returns null where that is not what its client was told */
export function take(productId: string, state: State, step: Step): { readonly after: State } | null {
  switch (step.kind) {
    case "read":
      return isSeen(state, step.told) ? { after: state } : null;
    case "delete": {
      const { outcomes, after } = run(productId, state, "EACH", [deletionOf(productId)]);
      const [outcome] = outcomes;
      if (step.told === null) return outcome?.kind === "deleted" ? { after } : null;
      if (typeof step.told === "string")
        return outcome?.kind === "refused" && outcome.refusal.code === step.told ? { after } : null;
      return outcome?.kind === "deleted" && isSeen(state, step.told) ? { after } : null;
    }
    case "lines":
      return takeLines(productId, state, step);
  }
}

function takeLines(
  productId: string,
  state: State,
  { policy, lines, told }: Extract<Step, { kind: "lines" }>,
): { readonly after: State } | null {
  const commands = lines.map(commandOf);
  if (policy === "ALL_OR_NOTHING" && told?.some(({ kind }) => kind === "refused"))
    return isRefusedWithBatch(productId, state, commands, told) ? { after: state } : null;
  const { outcomes, after } = run(productId, state, policy, commands);
  if (told === null) return { after };
  return outcomes.every((outcome, index) => isTold(outcome, told[index])) ? { after } : null;
}

/**
 * The lines of the batch on other products may be why it was refused: here a line was refused by itself, after what the
 * lines before it would have done, or for the sake of others.
 */
function isRefusedWithBatch(
  productId: string,
  state: State,
  commands: readonly Command[],
  told: readonly LineOutcome[],
): boolean {
  const { outcomes } = run(productId, state, "EACH", commands);
  return outcomes.every((outcome, index) => {
    const said = told[index];
    if (outcome.kind === "refused") return isTold(outcome, said);
    return said?.kind === "refused" && said.code === "BATCH_NOT_APPLIED" && isSeenBy(said, state);
  });
}

function run(
  productId: string,
  state: State,
  policy: CommandBatch["policy"],
  commands: readonly Command[],
): { outcomes: readonly Outcome[]; after: State } {
  const before = {
    stocks: new Map(state === null ? [] : [[productId, state]]),
    spentKeys: new Map(),
    resolved: new Map(),
  };
  const { outcomes, stocks } = settle(before, [{ policy, commands }], now);
  return { outcomes: outcomes[0] ?? [], after: stocks[0]?.stock ?? state };
}

/** Keys have no part in it either: an operation is one, however often it was sent. */
function commandOf({ reference, productId, action, quantity, expectedVersion }: Line): Command {
  return {
    kind: "create-stock-transaction",
    id: reference,
    clientId: "torture",
    fingerprint: "",
    productId,
    action,
    quantity,
    expectedVersion,
    idempotencyKey: null,
    reason: null,
    reference: null,
    note: null,
  };
}

function deletionOf(productId: string): Command {
  return { kind: "delete-stock", id: "deletion", clientId: "torture", productId, expectedVersion: null };
}

/** Whether the outcome is what the client was told, as far as it was. */
function isTold(outcome: Outcome, told: LineOutcome | undefined): boolean {
  if (told === undefined) return false;
  if (outcome.kind === "applied") {
    if (told.kind !== "applied") return false;
    const { version, availableAfter, allocatedAfter } = outcome.transaction;
    return told.version === version && told.availableAfter === availableAfter && told.allocatedAfter === allocatedAfter;
  }
  if (outcome.kind === "deleted" || told.kind !== "refused") return false;
  const { code, available, allocated, version } = outcome.refusal;
  if (told.code === null) return told.status === refusalCatalogue[code].status;
  if (told.code !== code) return false;
  return (
    told.seen === null ||
    (told.seen.available === available && told.seen.allocated === allocated && told.seen.version === version)
  );
}

function isSeenBy({ seen }: Extract<LineOutcome, { kind: "refused" }>, state: State): boolean {
  if (seen === null) return true;
  const isTracked = state !== null && state.tracked;
  return (
    seen.version === (state?.version ?? 0) &&
    seen.available === (isTracked ? state.available : null) &&
    seen.allocated === (isTracked ? state.allocated : null)
  );
}

function isSeen(state: State, seen: SeenStock | null): boolean {
  if (state === null || !state.tracked) return seen === null;
  return (
    seen !== null &&
    seen.version === state.version &&
    seen.available === state.available &&
    seen.allocated === state.allocated
  );
}
