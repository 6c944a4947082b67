-- Old keys are dropped in their order. CONCURRENTLY: gateways write meanwhile. It can't be part of a transaction, so it stands alone.
CREATE INDEX CONCURRENTLY "spent_key_age_idx" ON "spent_key"("created_at");
