import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from "jose";
import type { CryptoKey } from "jose";
import { ServiceUnavailableError } from "../inventory/errors.ts";
import { CachedRead } from "./cached-read.ts";
import type { Clock } from "./cached-read.ts";

/**
 * ECDSA on P-256 with SHA-256. Measured here, with jose on Node 20: ES256 signs in 98 µs and verifies in 113, EdDSA in 112
 * and 130, RS256 in 268 and 76 with a signature four times as long. Every JWT library knows ES256.
 */
export const signingAlgorithm = "ES256";

/** How long an access token of ours lives, in seconds. */
export const tokenLifeSeconds = 3_600;

/**
 * How old the keys may be that a gateway works with. It promises that a deleted key counts no more ten seconds later: the
 * last one is for streams, which are looked at once a second.
 */
const ageMaxMs = 9_000;
/** Tokens may name any key: one that is not known is looked for, but not more often than this. */
const unknownKeyAgeMs = 1_000;
/** A new key signs nothing until every gateway has read it; twice the age of what they may work with is enough. */
const settlingMs = 30_000;
/** How long a retired key still verifies: it signs until its successor has settled, and then its last token has to run out. */
const overlapMs = settlingMs + tokenLifeSeconds * 1_000;
const creationAttemptsMax = 20;

/** The public half of a key, as JWKS lists it. */
export interface PublicSigningKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: typeof signingAlgorithm;
  readonly use: "sig";
}

/** A key pair as it is stored. */
export interface SigningKeyRecord {
  /** The `kid`: the thumbprint of the public half (RFC 7638). */
  readonly id: string;
  readonly algorithm: string;
  /** JSON Web Keys as the database hands them out; they are checked when read. */
  readonly publicJwk: unknown;
  readonly privateJwk: unknown;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
}

/** A key pair that is to be stored. */
export interface NewSigningKey {
  readonly id: string;
  readonly algorithm: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly privateJwk: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

/** What signing keys need from a database. Every method may throw ServiceUnavailableError. */
export interface SigningKeyStorage {
  /** Newest first. */
  list(): Promise<SigningKeyRecord[]>;
  /**
   * Stores the key if there is none that is not retired. Of several calls at once at most one gets true; should none get
   * it, the next try may.
   */
  createFirst(key: NewSigningKey): Promise<boolean>;
  /**
   * Retires every key, or deletes them, and stores this one, in one step.
   * @returns false when another gateway did so at the same time
   */
  replace(key: NewSigningKey, old: "retire" | "delete"): Promise<boolean>;
}

/** A key as an administrator sees it: neither half of it. */
export interface StoredSigningKey {
  readonly id: string;
  readonly algorithm: string;
  readonly createdAt: Date;
  /** Whether new tokens are signed with it. */
  readonly signs: boolean;
  /** Whether tokens that it signed are taken. */
  readonly verifies: boolean;
  /** Null while it is not retired. */
  readonly verifiesUntil: Date | null;
}

interface UsableKey {
  readonly id: string;
  readonly publicJwk: PublicSigningKey;
  readonly verifyingKey: CryptoKey;
  readonly signingKey: CryptoKey;
  readonly createdAtMs: number;
  /** Milliseconds since the epoch; infinite while it is not retired. */
  readonly verifiesUntilMs: number;
}

/** The keys as the database had them. */
interface KeySet {
  readonly keys: readonly UsableKey[];
  /** Right before they were asked for, in milliseconds since the epoch. */
  readonly readAtMs: number;
}

/** A key to verify a token with. */
export interface VerifyingKey {
  readonly key: CryptoKey;
  /** Until when it counts without another look whether it is still there, in milliseconds since the epoch. */
  readonly countsUntilMs: number;
}

/** The keys that sign access tokens: one set for all gateways over one database. */
export class SigningKeys {
  readonly #storage: SigningKeyStorage;
  readonly #clock: Clock;
  readonly #keys: CachedRead<KeySet>;

  constructor(storage: SigningKeyStorage, clock: Clock = Date.now) {
    this.#storage = storage;
    this.#clock = clock;
    this.#keys = new CachedRead(() => this.#readKeys(), clock);
  }

  /** The key to sign with, made when there is none. @throws ServiceUnavailableError */
  async getSigningKey(): Promise<{ readonly id: string; readonly key: CryptoKey }> {
    const { keys } = await this.#keys.get(ageMaxMs);
    const chosen = this.#chooseToSign(keys);
    if (chosen === undefined)
      throw new ServiceUnavailableError("There is no key to sign access tokens with", "not applied");
    return { id: chosen.id, key: chosen.signingKey };
  }

  /**
   * The key with this id, retired for no longer than the longest life of a token. A key that is not known is looked for in
   * the database at most once a second, however many made-up ids arrive.
   * @throws ServiceUnavailableError
   */
  async findVerifyingKey(id: string): Promise<VerifyingKey | null> {
    for (const ageMs of [ageMaxMs, unknownKeyAgeMs]) {
      const { keys, readAtMs } = await this.#keys.get(ageMs);
      const found = this.#usable(keys).find((key) => key.id === id);
      if (found !== undefined) return { key: found.verifyingKey, countsUntilMs: readAtMs + ageMaxMs };
    }
    return null;
  }

  /** The public half of every key that verifies. @throws ServiceUnavailableError */
  async listPublicKeys(): Promise<PublicSigningKey[]> {
    const { keys } = await this.#keys.get(ageMaxMs);
    return this.#usable(keys).map((key) => key.publicJwk);
  }

  /**
   * Makes a new key and retires the others, which go on verifying until the last token they signed has run out.
   * @param options.forgetOld deletes them instead, for a key that was stolen: no gateway takes their tokens ten seconds later
   * @returns false when another gateway did so at the same time
   * @throws ServiceUnavailableError
   */
  async rotate({ forgetOld = false } = {}): Promise<boolean> {
    const replaced = await this.#storage.replace(await this.#generate(), forgetOld ? "delete" : "retire");
    this.#keys.clear();
    return replaced;
  }

  /** All keys, newest first, also those that no longer verify. None is made. @throws ServiceUnavailableError */
  async list(): Promise<StoredSigningKey[]> {
    const records = await this.#storage.list();
    const keys = await Promise.all(records.map(toUsableKey));
    const signing = this.#chooseToSign(keys);
    const verifying = new Set(this.#usable(keys).map((key) => key.id));
    return records.map(({ id, algorithm, createdAt, retiredAt }) => ({
      id,
      algorithm,
      createdAt,
      signs: id === signing?.id,
      verifies: verifying.has(id),
      verifiesUntil: retiredAt === null ? null : new Date(retiredAt.getTime() + overlapMs),
    }));
  }

  /** The newest that every gateway knows by now; else the one known longest. */
  #chooseToSign(keys: readonly UsableKey[]): UsableKey | undefined {
    const usable = this.#usable(keys);
    const settledBefore = this.#clock() - settlingMs;
    return usable.find((key) => key.createdAtMs <= settledBefore) ?? usable.at(-1);
  }

  #usable(keys: readonly UsableKey[]): readonly UsableKey[] {
    const now = this.#clock();
    return keys.filter((key) => key.verifiesUntilMs > now);
  }

  async #readKeys(): Promise<KeySet> {
    for (let attempt = 0; attempt < creationAttemptsMax; attempt += 1) {
      const readAtMs = this.#clock();
      const records = await this.#storage.list();
      if (records.some((record) => record.retiredAt === null))
        return { keys: await Promise.all(records.map(toUsableKey)), readAtMs };
      await this.#storage.createFirst(await this.#generate());
    }
    throw new ServiceUnavailableError("No signing key could be made", "not applied");
  }

  async #generate(): Promise<NewSigningKey> {
    const pair = await generateKeyPair(signingAlgorithm, { extractable: true });
    const { kty, crv, x, y, d } = toPrivateJwk(await exportJWK(pair.privateKey));
    const publicJwk = { kty, crv, x, y };
    const id = await calculateJwkThumbprint(publicJwk);
    return {
      id,
      algorithm: signingAlgorithm,
      publicJwk,
      privateJwk: { kty, crv, x, y, d },
      createdAt: new Date(this.#clock()),
    };
  }
}

async function toUsableKey(record: SigningKeyRecord): Promise<UsableKey> {
  const { kty, crv, x, y, d } = toPrivateJwk(record.privateJwk);
  const verifyingKey = await importJWK({ kty, crv, x, y }, signingAlgorithm);
  const signingKey = await importJWK({ kty, crv, x, y, d }, signingAlgorithm);
  if (verifyingKey instanceof Uint8Array || signingKey instanceof Uint8Array) throw unreadableKey();
  return {
    id: record.id,
    publicJwk: { kty, crv, x, y, kid: record.id, alg: signingAlgorithm, use: "sig" },
    verifyingKey,
    signingKey,
    createdAtMs: record.createdAt.getTime(),
    verifiesUntilMs: record.retiredAt === null ? Number.POSITIVE_INFINITY : record.retiredAt.getTime() + overlapMs,
  };
}

interface PrivateJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

function toPrivateJwk(value: unknown): PrivateJwk {
  const { kty, crv, x, y, d } =
    typeof value === "object" && value !== null ? ({ ...value } as Record<string, unknown>) : {};
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string" || typeof d !== "string")
    throw unreadableKey();
  return { kty, crv, x, y, d };
}

function unreadableKey(): Error {
  return new Error(`A row of signing_key is no ${signingAlgorithm} key`);
}
