import type { NewSigningKey, SigningKeyRecord, SigningKeyStorage } from "../access/signing-keys.ts";
import { whileAvailable } from "./availability.ts";
import { sqlStateOf } from "./errors.ts";
import type { PrismaClient } from "./generated/client.ts";

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
    return await this.#serialized(async () => {
      const [count] = await this.#prisma.$transaction(
        [
          this.#prisma.$executeRaw`
            INSERT INTO signing_key (id, algorithm, public_jwk, private_jwk, created_at)
            SELECT ${key.id}, ${key.algorithm}, ${key.publicJwk}::jsonb, ${key.privateJwk}::jsonb, ${key.createdAt}
            WHERE NOT EXISTS (SELECT FROM signing_key WHERE retired_at IS NULL)`,
        ],
        { isolationLevel: "Serializable" },
      );
      return count === 1;
    });
  }

  async replace(key: NewSigningKey): Promise<boolean> {
    return await this.#serialized(async () => {
      await this.#prisma.$transaction(
        [
          this.#prisma.signingKey.updateMany({ where: { retiredAt: null }, data: { retiredAt: key.createdAt } }),
          this.#prisma.signingKey.create({ data: key }),
        ],
        { isolationLevel: "Serializable" },
      );
      return true;
    });
  }

  /** A transaction that would break the order of its neighbours is rolled back: then another one has done the work. */
  async #serialized(work: () => Promise<boolean>): Promise<boolean> {
    return await whileAvailable(async () => {
      try {
        return await work();
      } catch (error) {
        if (sqlStateOf(error) !== serializationFailure) throw error;
        return false;
      }
    });
  }
}
