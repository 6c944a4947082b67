import type { NewSigningKey, SigningKeyRecord, SigningKeyStorage } from "../access/signing-keys.ts";
import { whileAvailable } from "./availability.ts";
import { sqlStateOf } from "./errors.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";

const serializationFailure = "40001";

/** Signing keys in the table signing_key. */
export class PrismaSigningKeyStorage implements SigningKeyStorage {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async list(): Promise<SigningKeyRecord[]> {
    return await whileAvailable(() =>
      this.#prisma.signingKey.findMany({ orderBy: [{ createdAt: "desc" }, { id: "asc" }] }),
    );
  }

  /** Ids are random, so no unique key keeps two gateways apart: being serializable does. */
  async createFirst(key: NewSigningKey): Promise<boolean> {
    return await this.#serialized(async (tx) => {
      const count = await tx.$executeRaw`
        INSERT INTO signing_key (id, algorithm, public_jwk, private_jwk, created_at)
        SELECT ${key.id}, ${key.algorithm}, ${key.publicJwk}::jsonb, ${key.privateJwk}::jsonb, ${key.createdAt}
        WHERE NOT EXISTS (SELECT FROM signing_key WHERE retired_at IS NULL)`;
      return count === 1;
    });
  }

  async replace(key: NewSigningKey, old: "retire" | "delete"): Promise<boolean> {
    return await this.#serialized(async (tx) => {
      if (old === "delete") await tx.signingKey.deleteMany();
      else await tx.signingKey.updateMany({ where: { retiredAt: null }, data: { retiredAt: key.createdAt } });
      await tx.signingKey.create({ data: key });
      return true;
    });
  }

  /**
   * Runs a transaction that is rolled back if it would not fit into one order with its neighbours: then one of those has
   * done the work. It is an interactive one because Prisma 7.10 ignores `isolationLevel` for a list of statements.
   */
  async #serialized(work: (tx: Prisma.TransactionClient) => Promise<boolean>): Promise<boolean> {
    return await whileAvailable(async () => {
      try {
        return await this.#prisma.$transaction(work, { isolationLevel: "Serializable" });
      } catch (error) {
        if (sqlStateOf(error) !== serializationFailure) throw error;
        return false;
      }
    });
  }
}
