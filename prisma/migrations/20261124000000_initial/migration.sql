-- Every guard of the domain stands here a second time, as a CHECK: a level is 0 … 2147483647, and so is their total.
-- Text that is compared or ordered is COLLATE "C": the order of its bytes, the same on every server.

CREATE TYPE "stock_action" AS ENUM ('CREATE', 'INCREMENT', 'DECREMENT', 'ALLOCATE', 'DEALLOCATE');

CREATE TYPE "stock_reason" AS ENUM ('RECEIVED', 'SOLD', 'RETURNED', 'DAMAGED', 'LOST', 'TRANSFERRED', 'CORRECTION', 'RESERVED', 'RELEASED', 'OTHER');

-- Positions are taken in runs: a group of stock transactions takes one value and the numbers up to the next.
CREATE SEQUENCE "stock_transaction_position" AS bigint INCREMENT BY 10000 START WITH 10000 CACHE 1;

CREATE TABLE "stock" (
    "product_id" TEXT COLLATE "C" NOT NULL,
    "available" INTEGER NOT NULL,
    "allocated" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "tracked" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stock_pkey" PRIMARY KEY ("product_id"),
    CONSTRAINT "stock_product_id_check" CHECK (char_length("product_id") BETWEEN 1 AND 255),
    CONSTRAINT "stock_available_check" CHECK ("available" >= 0),
    CONSTRAINT "stock_allocated_check" CHECK ("allocated" >= 0),
    CONSTRAINT "stock_total_check" CHECK ("available"::bigint + "allocated" <= 2147483647),
    CONSTRAINT "stock_version_check" CHECK ("version" >= 1),
    CONSTRAINT "stock_untracked_check" CHECK ("tracked" OR ("available" = 0 AND "allocated" = 0))
);

CREATE INDEX "stock_available_product_id_idx" ON "stock"("available", "product_id");
CREATE INDEX "stock_updated_at_product_id_idx" ON "stock"("updated_at", "product_id");

CREATE TABLE "stock_transaction" (
    "product_id" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "id" UUID NOT NULL,
    "action" "stock_action" NOT NULL,
    "quantity" INTEGER NOT NULL,
    "available_after" INTEGER NOT NULL,
    "allocated_after" INTEGER NOT NULL,
    "reason" "stock_reason",
    "reference" TEXT,
    "note" TEXT,
    "actor" TEXT COLLATE "C" NOT NULL,
    "idempotency_key" TEXT COLLATE "C",
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "position" BIGINT NOT NULL,

    CONSTRAINT "stock_transaction_pkey" PRIMARY KEY ("product_id", "version"),
    CONSTRAINT "stock_transaction_product_id_check" CHECK (char_length("product_id") BETWEEN 1 AND 255),
    CONSTRAINT "stock_transaction_version_check" CHECK ("version" >= 1),
    CONSTRAINT "stock_transaction_quantity_check" CHECK ("quantity" >= CASE WHEN "action" = 'CREATE' THEN 0 ELSE 1 END),
    CONSTRAINT "stock_transaction_available_after_check" CHECK ("available_after" >= 0),
    CONSTRAINT "stock_transaction_allocated_after_check" CHECK ("allocated_after" >= 0),
    CONSTRAINT "stock_transaction_total_after_check" CHECK ("available_after"::bigint + "allocated_after" <= 2147483647),
    CONSTRAINT "stock_transaction_reference_check" CHECK (char_length("reference") BETWEEN 1 AND 255),
    CONSTRAINT "stock_transaction_note_check" CHECK (char_length("note") BETWEEN 1 AND 1000),
    CONSTRAINT "stock_transaction_actor_check" CHECK (char_length("actor") BETWEEN 1 AND 255),
    CONSTRAINT "stock_transaction_idempotency_key_check" CHECK (char_length("idempotency_key") BETWEEN 1 AND 255),
    CONSTRAINT "stock_transaction_position_check" CHECK ("position" >= 1)
);

CREATE UNIQUE INDEX "stock_transaction_id_key" ON "stock_transaction"("id");
CREATE UNIQUE INDEX "stock_transaction_position_key" ON "stock_transaction"("position");
CREATE INDEX "stock_transaction_reference_idx" ON "stock_transaction"("reference");
CREATE INDEX "stock_transaction_created_at_idx" ON "stock_transaction" USING BRIN ("created_at");

CREATE TABLE "stock_deletion" (
    "product_id" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "id" UUID NOT NULL,
    "available" INTEGER NOT NULL,
    "actor" TEXT COLLATE "C" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stock_deletion_pkey" PRIMARY KEY ("product_id", "version"),
    CONSTRAINT "stock_deletion_product_id_check" CHECK (char_length("product_id") BETWEEN 1 AND 255),
    CONSTRAINT "stock_deletion_version_check" CHECK ("version" >= 1),
    CONSTRAINT "stock_deletion_available_check" CHECK ("available" >= 0),
    CONSTRAINT "stock_deletion_actor_check" CHECK (char_length("actor") BETWEEN 1 AND 255)
);

CREATE UNIQUE INDEX "stock_deletion_id_key" ON "stock_deletion"("id");

CREATE TABLE "spent_key" (
    "client_id" TEXT COLLATE "C" NOT NULL,
    "idempotency_key" TEXT COLLATE "C" NOT NULL,
    "fingerprint" TEXT COLLATE "C" NOT NULL,
    "command_id" UUID NOT NULL,
    "product_id" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER,
    "refusal" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "spent_key_pkey" PRIMARY KEY ("client_id", "idempotency_key"),
    CONSTRAINT "spent_key_client_id_check" CHECK (char_length("client_id") BETWEEN 1 AND 255),
    CONSTRAINT "spent_key_idempotency_key_check" CHECK (char_length("idempotency_key") BETWEEN 1 AND 255),
    CONSTRAINT "spent_key_outcome_check" CHECK (("version" IS NULL) <> ("refusal" IS NULL))
);

CREATE INDEX "spent_key_created_at_idx" ON "spent_key" USING BRIN ("created_at");

CREATE TABLE "api_client" (
    "id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "scopes" TEXT[],
    "implicit" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_client_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "api_client_id_check" CHECK (char_length("id") BETWEEN 1 AND 255),
    CONSTRAINT "api_client_scopes_check" CHECK ("scopes" IS NOT NULL AND "scopes" <@ ARRAY['inventory:read', 'inventory:write'])
);

CREATE TABLE "signing_key" (
    "id" TEXT COLLATE "C" NOT NULL,
    "algorithm" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "private_jwk" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "signing_key_pkey" PRIMARY KEY ("id")
);
