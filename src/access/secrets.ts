import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { ServiceUnavailableError } from "../inventory/errors.ts";

const secretBytes = 32;
const saltBytes = 16;
const keyBytes = 32;

/**
 * What a hash costs: 16 MiB and about 27 ms of one core. A generated secret has 256 random bits and needs none of it; one
 * chosen by a person does. A client asks for a token about once an hour.
 */
const scryptCost = { cost: 16_384, blockSize: 8, parallelization: 1 } as const;
const scryptMemoryMax = 64 * 1_024 * 1_024;
/** The most that a stored hash may ask for, should somebody have written one by hand. */
const costMax = 32_768;

/** Node's thread pool has four threads, and files and name look-ups need some too. */
const hashesAtOnce = 2;
const waitingMax = 256;

interface StoredHash {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** A new client secret: 256 random bits, as 43 characters that need no escaping in a form, a URL or a shell. */
export function generateSecret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

/**
 * Hashes and checks client secrets with scrypt. The stored text carries its parameters and salt:
 * `scrypt$<cost>$<block size>$<parallelization>$<salt>$<key>`, both in base64url. Only so many hashes are made at once.
 */
export class SecretHasher {
  /** Stands for the hash of a client that doesn't exist: checking it costs the same, and nothing matches it. */
  readonly #decoy: StoredHash = { ...scryptCost, salt: randomBytes(saltBytes), key: randomBytes(keyBytes) };
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @throws ServiceUnavailableError when too many wait already */
  async hash(secret: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    const key = await this.#inTurn(() => deriveKey(secret, { ...scryptCost, salt }));
    const { cost, blockSize, parallelization } = scryptCost;
    return ["scrypt", cost, blockSize, parallelization, salt.toString("base64url"), key.toString("base64url")].join(
      "$",
    );
  }

  /**
   * Takes as long for a client that doesn't exist (null) as for a wrong secret.
   * @throws ServiceUnavailableError when too many wait already
   */
  async matches(secret: string, storedHash: string | null): Promise<boolean> {
    const stored = storedHash === null ? this.#decoy : parseHash(storedHash);
    const key = await this.#inTurn(() => deriveKey(secret, stored));
    return timingSafeEqual(key, stored.key) && storedHash !== null;
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running < hashesAtOnce) {
      this.#running += 1;
    } else {
      if (this.#waiting.length >= waitingMax)
        throw new ServiceUnavailableError("Too many requests for access tokens are waiting", "not applied");
      // Whoever ends hands its place over: the number running stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function deriveKey(
  secret: string,
  { cost, blockSize, parallelization, salt }: Omit<StoredHash, "key">,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, keyBytes, { cost, blockSize, parallelization, maxmem: scryptMemoryMax }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** A hash that can't be read is a fault of ours, not a wrong secret. */
function parseHash(storedHash: string): StoredHash {
  const [scheme, cost, blockSize, parallelization, salt = "", key = ""] = storedHash.split("$");
  const stored = {
    cost: Number(cost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
    salt: Buffer.from(salt, "base64url"),
    key: Buffer.from(key, "base64url"),
  };
  if (scheme !== "scrypt" || !(stored.cost <= costMax) || stored.key.length !== keyBytes)
    throw new Error("The stored hash of a client's secret can't be read");
  return stored;
}
