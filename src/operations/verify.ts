import type { AuditedPart, LedgerAudit, LedgerFault } from "../database/ledger-audit.ts";
import { settleCorrection, stepsOfCorrection } from "../inventory/correction.ts";
import type { CorrectionStep, Drift } from "../inventory/correction.ts";
import { createId } from "../inventory/ids.ts";
import type { Settlement } from "../inventory/settlement.ts";
import type { InventoryStorage } from "../inventory/storage.ts";
import type { Progress } from "./progress.ts";

/** What is wrong, and what would explain it. */
export interface Verification {
  readonly transactions: number;
  /** The first of them. */
  readonly faults: readonly LedgerFault[];
  /** Of all. */
  readonly faultCount: number;
  /** The first of them. */
  readonly proposals: readonly Proposal[];
  /** Of all. */
  readonly proposalCount: number;
}

/** Stock transactions that would make a product's ledger say what its stock is. */
export interface Proposal {
  readonly drift: Drift;
  readonly steps: readonly CorrectionStep[];
  /** How many faults the product's levels and versions have; not those of its keys, which no correction puts right. */
  readonly faultCount: number;
}

/** More faults, or proposals, than that are counted, and not kept: something is wrong with the whole then. */
const faultsMax = 10_000;
const correctionDeadlineMs = 10_000;
/** A product that sells all the time may change between the audit and the lock. */
const attemptsMax = 20;

/** Holds every level against the ledger, while gateways serve or not. */
export async function verifyLedger(audit: LedgerAudit, progress: Progress): Promise<Verification> {
  const faults: LedgerFault[] = [];
  const proposals: Proposal[] = [];
  let transactions = 0;
  let faultCount = 0;
  let proposalCount = 0;
  const keep = (found: readonly LedgerFault[]): void => {
    faultCount += found.length;
    faults.push(...found.slice(0, faultsMax - faults.length));
  };
  progress.start(await audit.countTransactions());
  try {
    for await (const part of audit.parts()) {
      transactions += part.transactions;
      keep(part.faults);
      const proposed = proposalsOf(part);
      proposalCount += proposed.length;
      proposals.push(...proposed.slice(0, faultsMax - proposals.length));
      progress.advance(part.transactions);
    }
  } finally {
    progress.stop();
  }
  keep(await audit.auditKeys());
  return { transactions, faults, faultCount, proposals, proposalCount };
}

function proposalsOf({ faults, drifts }: AuditedPart): Proposal[] {
  const faultCounts = new Map<string, number>();
  for (const { productId } of faults) faultCounts.set(productId, (faultCounts.get(productId) ?? 0) + 1);
  return drifts.flatMap((drift) => {
    const steps = stepsOfCorrection(drift.change);
    return steps === null ? [] : [{ drift, steps, faultCount: faultCounts.get(drift.productId) ?? 0 }];
  });
}

/** What became of a proposal. */
export interface AppliedProposal {
  /** What was written; null where the product changed again and again meanwhile. */
  readonly applied: Proposal | null;
  /** What is wrong with the product afterwards. */
  readonly faults: readonly LedgerFault[];
}

/**
 * Writes the proposed stock transactions, or what has to take their place where the stock has changed since.
 * @throws StorageError
 */
export async function applyProposal(
  proposed: Proposal,
  { audit, storage, actor }: { audit: LedgerAudit; storage: InventoryStorage; actor: string },
): Promise<AppliedProposal> {
  const { productId } = proposed.drift;
  const scope = { productIds: [productId], keys: [], unresolvedCommandIds: [], heldProductIds: [productId] };
  let proposal: Proposal | undefined = proposed;
  for (let attempt = 1; attempt <= attemptsMax && proposal !== undefined; attempt += 1) {
    const { drift }: Proposal = proposal;
    const written = await storage.settle(
      scope,
      performance.now() + correctionDeadlineMs,
      (state, now) => settleCorrection(drift, state, { actor, now, idOf: createId }) ?? nothing,
    );
    const part = await audit.auditProduct(productId);
    if (written !== nothing) return { applied: proposal, faults: part.faults };
    [proposal] = proposalsOf(part);
  }
  return { applied: null, faults: (await audit.auditProduct(productId)).faults };
}

const nothing: Settlement = { outcomes: [], stocks: [], transactions: [], deletions: [], spentKeys: [] };
