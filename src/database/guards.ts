import type { Client } from "pg";

/**
 * Every rule that the tables keep by themselves, as PostgreSQL describes it: the CHECKs, and what the unique indexes are on.
 * A test compares it with what the migrations make.
 */
export const guards: Readonly<Record<string, string>> = {
  api_client_id_check: "CHECK (((char_length(id) >= 1) AND (char_length(id) <= 255)))",
  api_client_pkey: "btree (id)",
  api_client_scopes_check:
    "CHECK (((scopes IS NOT NULL) AND (scopes <@ ARRAY['inventory:read'::text, 'inventory:write'::text])))",
  signing_key_pkey: "btree (id)",
  spent_key_client_id_check: "CHECK (((char_length(client_id) >= 1) AND (char_length(client_id) <= 255)))",
  spent_key_idempotency_key_check:
    "CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 255)))",
  spent_key_outcome_check: "CHECK (((version IS NULL) <> (refusal IS NULL)))",
  spent_key_pkey: "btree (client_id, idempotency_key)",
  stock_allocated_check: "CHECK ((allocated >= 0))",
  stock_available_check: "CHECK ((available >= 0))",
  stock_deletion_actor_check: "CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 255)))",
  stock_deletion_available_check: "CHECK ((available >= 0))",
  stock_deletion_id_key: "btree (id)",
  stock_deletion_pkey: "btree (product_id, version)",
  stock_deletion_product_id_check: "CHECK (((char_length(product_id) >= 1) AND (char_length(product_id) <= 255)))",
  stock_deletion_version_check: "CHECK ((version >= 1))",
  stock_pkey: "btree (product_id)",
  stock_product_id_check: "CHECK (((char_length(product_id) >= 1) AND (char_length(product_id) <= 255)))",
  stock_total_check: "CHECK ((((available)::bigint + allocated) <= 2147483647))",
  stock_transaction_actor_check: "CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 255)))",
  stock_transaction_allocated_after_check: "CHECK ((allocated_after >= 0))",
  stock_transaction_available_after_check: "CHECK ((available_after >= 0))",
  stock_transaction_id_key: "btree (id)",
  stock_transaction_idempotency_key_check:
    "CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 255)))",
  stock_transaction_note_check: "CHECK (((char_length(note) >= 1) AND (char_length(note) <= 1000)))",
  stock_transaction_pkey: "btree (product_id, version)",
  stock_transaction_position_check: 'CHECK (("position" >= 1))',
  stock_transaction_position_key: 'btree ("position")',
  stock_transaction_product_id_check: "CHECK (((char_length(product_id) >= 1) AND (char_length(product_id) <= 255)))",
  stock_transaction_quantity_check:
    "CHECK ((quantity >= CASE WHEN (action = 'CREATE'::stock_action) THEN 0 ELSE 1 END))",
  stock_transaction_reference_check: "CHECK (((char_length(reference) >= 1) AND (char_length(reference) <= 255)))",
  stock_transaction_total_after_check: "CHECK ((((available_after)::bigint + allocated_after) <= 2147483647))",
  stock_transaction_version_check: "CHECK ((version >= 1))",
  stock_untracked_check: "CHECK ((tracked OR ((available = 0) AND (allocated = 0))))",
  stock_version_check: "CHECK ((version >= 1))",
};

/**
 * Compares the guards of the migrated database with {@link guards}.
 * @returns what is wrong, each with its name: `stock_available_check is missing`
 */
export async function findGuardFaults(client: Client): Promise<string[]> {
  const found = new Map((await listGuards(client)).map(({ name, definition }) => [name, definition]));
  return Object.entries(guards).flatMap(([name, definition]) => {
    const other = found.get(name);
    if (other === definition) return [];
    if (other === undefined) return [`${name} is missing`];
    return [other.startsWith(`${definition} NOT `) ? `${name} is not valid` : `${name} is another one`];
  });
}

/** The CHECKs and unique indexes of the tables that the gateway sees; what is NOT VALID says so at its end. */
export async function listGuards(client: Client): Promise<{ readonly name: string; readonly definition: string }[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(`
    SELECT conname AS name, regexp_replace(pg_get_constraintdef(oid), '\\s+', ' ', 'g') AS definition
    FROM pg_constraint
    WHERE contype = 'c' AND conrelid <> 0 AND pg_table_is_visible(conrelid) AND connamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT class.relname, regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '')
      || CASE WHEN indisvalid AND indisready AND indimmediate THEN '' ELSE ' NOT VALID' END
    FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid
    WHERE indisunique AND pg_table_is_visible(indrelid) AND class.relnamespace <> 'pg_catalog'::regnamespace
    ORDER BY 1`);
  return rows;
}
