import { LedgerAudit } from "../../src/database/ledger-audit.ts";
import type { LedgerFault } from "../../src/database/ledger-audit.ts";

/** Everything that the audit of `verify` finds wrong with a database. */
export async function auditLedger(databaseUrl: string): Promise<LedgerFault[]> {
  const audit = await LedgerAudit.open(databaseUrl);
  try {
    const faults: LedgerFault[] = [];
    for await (const part of audit.parts()) faults.push(...part.faults);
    return [...faults, ...(await audit.auditKeys())];
  } finally {
    await audit.close();
  }
}
