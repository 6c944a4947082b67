import { v7 as uuidv7 } from "uuid";
import type { LedgerAudit, LedgerFault } from "../database/ledger-audit.ts";
import { settleCorrection, stepsOfCorrection } from "../inventory/correction.ts";
import type { CorrectionStep, Drift } from "../inventory/correction.ts";
import type { Settlement } from "../inventory/settlement.ts";
import type { InventoryStorage } from "../inventory/storage.ts";
import type { Progress } from "./progress.ts";

/** What is wrong, and what would explain it. */
export interface Verification {
  readonly transactions: number;
  readonly faults: readonly LedgerFault[];
  readonly proposals: readonly Proposal[];
}

/** Stock transactions that would make a product's ledger say what its stock is. */
export interface Proposal {
  readonly drift: Drift;
  readonly steps: readonly CorrectionStep[];
}

/** More faults than that are counted, and not kept: something is wrong with the whole then. */
const faultsMax = 10_000;
const correctionDeadlineMs = 10_000;

/** Holds every level against the ledger, while gateways serve or not. */
export async function verifyLedger(audit: LedgerAudit, progress: Progress): Promise<Verification> {
  const faults: LedgerFault[] = [];
  const proposals: Proposal[] = [];
  let transactions = 0;
  const keep = (found: readonly LedgerFault[]): void => {
    faults.push(...found.slice(0, faultsMax - faults.length));
  };
  progress.start(await audit.countTransactions());
  try {
    for await (const part of audit.parts()) {
      transactions += part.transactions;
      keep(part.faults);
      proposals.push(...part.drifts.flatMap(proposalOf).slice(0, faultsMax - proposals.length));
      progress.advance(part.transactions);
    }
  } finally {
    progress.stop();
  }
  keep(await audit.auditKeys());
  return { transactions, faults, proposals };
}

function proposalOf(drift: Drift): Proposal[] {
  const steps = stepsOfCorrection(drift.change);
  return steps === null ? [] : [{ drift, steps }];
}

/**
 * Writes the proposed stock transactions, unless the stock has changed since.
 * @returns what is wrong with the product afterwards
 * @throws StorageError
 */
export async function applyProposal(
  { drift }: Proposal,
  { audit, storage, actor }: { audit: LedgerAudit; storage: InventoryStorage; actor: string },
): Promise<readonly LedgerFault[]> {
  const scope = { productIds: [drift.productId], keys: [], unresolvedCommandIds: [], isPatient: true };
  await storage.settle(
    scope,
    performance.now() + correctionDeadlineMs,
    (state, now) => settleCorrection(drift, state, { actor, now, idOf: uuidv7 }) ?? nothing,
  );
  return (await audit.auditProduct(drift.productId)).faults;
}

const nothing: Settlement = { outcomes: [], stocks: [], transactions: [], deletions: [], spentKeys: [] };
