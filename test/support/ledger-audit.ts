import { LedgerAudit } from "../../src/database/ledger-audit.ts";
import type { LedgerFault } from "../../src/database/ledger-audit.ts";

/**
 * Everything that the audit of `verify` finds wrong with a database.
 * @param productPrefix only of products whose ids begin so
 */
export async function auditLedger(databaseUrl: string, productPrefix = ""): Promise<LedgerFault[]> {
  const audit = await LedgerAudit.open(databaseUrl);
  try {
    const faults: LedgerFault[] = [];
    for await (const part of audit.parts()) faults.push(...part.faults);
    faults.push(...(await audit.auditKeys()));
    return faults.filter(({ productId }) => productId.startsWith(productPrefix));
  } finally {
    await audit.close();
  }
}
