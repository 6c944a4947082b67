import { randomInt } from "node:crypto";
import { InvalidInputError } from "../inventory/errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { CachedRead } from "./cached-read.ts";
import type { Clock } from "./cached-read.ts";
import { scopes } from "./principal.ts";
import type { Scope } from "./principal.ts";
import { generateSecret, SecretHasher } from "./secrets.ts";

/** A program that may ask for access tokens. */
export interface ApiClient {
  /** 1 … 255 printable characters without `|`. */
  readonly id: string;
  /** For people: 1 … 100 characters. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Whether the implicit (read-only shopper) grant is open to it: its id alone, no secret, then gets a token that reads. */
  readonly implicit: boolean;
  readonly createdAt: Date;
  /** Null while it is not revoked. */
  readonly revokedAt: Date | null;
}

/** A client as it is stored. */
export interface ApiClientRecord extends ApiClient {
  readonly secretHash: string;
}

/** What API clients need from a database. Every method may throw ServiceUnavailableError. */
export interface ApiClientStorage {
  find(id: string): Promise<ApiClientRecord | null>;
  /** Oldest first, the revoked ones among them. */
  list(): Promise<ApiClientRecord[]>;
  /** @returns false when there is a client with this id; it is left as it was */
  create(record: ApiClientRecord): Promise<boolean>;
  /** @returns false when there is any client at all. Of several calls at once with the same id, one gets true. */
  createFirst(record: ApiClientRecord): Promise<boolean>;
  /** @returns false when there is no such client */
  replaceSecret(id: string, secretHash: string): Promise<boolean>;
  /** @returns false when there is no such client, or it was revoked before */
  revoke(id: string, revokedAt: Date): Promise<boolean>;
}

/** A client to be made. */
export interface NewApiClient {
  /** For people: 1 … 100 characters, none of them a control character. */
  readonly name: string;
  /** Made from the name when left out. */
  readonly id?: string | undefined;
  readonly scopes: readonly Scope[];
  readonly implicit: boolean;
}

/** A client just made, with its secret: the only time that the secret can be told. */
export interface CreatedApiClient {
  readonly client: ApiClient;
  readonly secret: string;
}

/** What became of the client that the settings ask for. A revoked client stays revoked, whatever the settings say. */
export type EnsuredApiClient = "created" | "secret replaced" | "unchanged" | "revoked";

/** The id of the client that a first start makes. */
export const firstClientId = "admin";
/** Its id may be known to everybody: the implicit grant would let strangers read. */
const administrator = { name: "First administrator", scopes, implicit: false } as const;

const idLengthMax = 255;
const nameLengthMax = 100;
/** `|` stands between an outside issuer and its client: without it no id of ours can be mistaken for one of theirs. */
const refusedInId = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}|]|^\s|\s$/u;
const refusedInName = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|^\s|\s$/u;

/**
 * Half of the second within which every gateway promises to notice that a client was revoked: the other half is for a
 * slow database.
 */
const ageMaxMs = 500;
const cachedClientsMax = 10_000;

/** The API clients of the installation. */
export class ApiClients {
  readonly #storage: ApiClientStorage;
  readonly #hasher = new SecretHasher();
  readonly #cached = new BoundedMap<CachedRead<ApiClientRecord | null>>(cachedClientsMax);
  readonly #clock: Clock;

  constructor(storage: ApiClientStorage, clock: Clock = Date.now) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Makes a client with a generated secret, for which scrypt's hash is stored.
   * @throws InvalidInputError for a bad name, id or scope, and for an id that is taken
   * @throws ServiceUnavailableError
   */
  async create(input: NewApiClient): Promise<CreatedApiClient> {
    const name = parseName(input.name);
    const granted = parseScopes(input.scopes);
    const secret = generateSecret();
    const secretHash = await this.#hasher.hash(secret);
    // A generated id collides once in two thousand million; then it is made again.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const id = input.id === undefined ? generateId(name) : parseClientId(input.id);
      const record = { id, name, secretHash, scopes: granted, implicit: input.implicit, ...this.#dates() };
      if (await this.#storage.create(record)) return { client: toClient(record), secret };
      if (input.id !== undefined) throw new InvalidInputError("id", "there is an API client with this id");
    }
    throw new Error("No id that is free was found for an API client");
  }

  /**
   * Makes the first administrator's client if there is no client at all, revoked ones included. Of several gateways that
   * start at once one makes it.
   * @param keep stores the secret somewhere safe; done before the client is made, so that no crash leaves a client whose
   * secret nobody knows
   * @returns null when there are clients: somebody else knows their secrets
   * @throws ServiceUnavailableError, and what `keep` throws
   */
  async createFirst(keep: (secret: string) => Promise<void>): Promise<CreatedApiClient | null> {
    if ((await this.#storage.list()).length > 0) return null;
    const secret = generateSecret();
    const record = {
      ...administrator,
      id: firstClientId,
      secretHash: await this.#hasher.hash(secret),
      ...this.#dates(),
    };
    await keep(secret);
    return (await this.#storage.createFirst(record)) ? { client: toClient(record), secret } : null;
  }

  /**
   * Sees to it that an administrator's client with this id and secret exists. An existing client keeps its scopes.
   * @throws InvalidInputError for an id that can't be one, or an empty secret
   * @throws ServiceUnavailableError
   */
  async ensure(id: string, secret: string): Promise<EnsuredApiClient> {
    parseClientId(id);
    if (secret === "") throw new InvalidInputError("secret", "the secret is empty");
    const existing = await this.#storage.find(id);
    if (existing?.revokedAt != null) return "revoked";
    if (existing !== null && (await this.#hasher.matches(secret, existing.secretHash))) return "unchanged";
    const secretHash = await this.#hasher.hash(secret);
    if (existing === null && (await this.#storage.create({ ...administrator, id, secretHash, ...this.#dates() })))
      return "created";
    // Either it was there, or another gateway with the same settings has made it meanwhile.
    await this.#storage.replaceSecret(id, secretHash);
    return existing === null ? "unchanged" : "secret replaced";
  }

  /** All clients, oldest first, the revoked ones among them. @throws ServiceUnavailableError */
  async list(): Promise<ApiClient[]> {
    return (await this.#storage.list()).map(toClient);
  }

  /**
   * Revokes a client for good. Its tokens end within a second, on every gateway.
   * @returns false when there is no such client, or it was revoked before
   * @throws ServiceUnavailableError
   */
  async revoke(id: string): Promise<boolean> {
    if (!isClientId(id)) return false;
    const revoked = await this.#storage.revoke(id, new Date(this.#clock()));
    this.#cached.delete(id);
    return revoked;
  }

  /**
   * The client if the secret is its own and it is not revoked. An unknown client, a wrong secret and a revoked client
   * take the same time.
   * @throws ServiceUnavailableError
   */
  async findBySecret(id: string, secret: string): Promise<ApiClient | null> {
    const record = isClientId(id) ? await this.#storage.find(id) : null;
    const matches = await this.#hasher.matches(secret, record?.secretHash ?? null);
    return matches && record !== null && record.revokedAt === null ? toClient(record) : null;
  }

  /** The client if it may be given a token for its id alone. @throws ServiceUnavailableError */
  async findImplicit(id: string): Promise<ApiClient | null> {
    const record = isClientId(id) ? await this.#storage.find(id) : null;
    return record !== null && record.implicit && record.revokedAt === null ? toClient(record) : null;
  }

  /**
   * The client as it was at most half a second ago; null when there is none or it is revoked. For the way of every
   * request: it asks the database twice a second and client.
   * @throws ServiceUnavailableError while the database is away: who may have been revoked is not let in
   */
  async findActive(id: string): Promise<ApiClient | null> {
    if (!isClientId(id)) return null;
    let read = this.#cached.get(id);
    if (read === undefined) {
      read = new CachedRead(() => this.#storage.find(id), this.#clock);
      this.#cached.set(id, read);
    }
    const record = await read.get(ageMaxMs);
    return record !== null && record.revokedAt === null ? record : null;
  }

  #dates(): { createdAt: Date; revokedAt: null } {
    return { createdAt: new Date(this.#clock()), revokedAt: null };
  }
}

/** @throws InvalidInputError */
function parseClientId(id: string): string {
  if (!isClientId(id))
    throw new InvalidInputError("id", `id has to have 1 to ${idLengthMax} printable characters, none of them a |`);
  return id;
}

/** PostgreSQL would refuse NUL with a fault and store half a surrogate pair as another character. */
function isClientId(id: string): boolean {
  return id !== "" && id.length <= idLengthMax && !refusedInId.test(id);
}

/** @throws InvalidInputError */
function parseName(name: string): string {
  if (name === "" || name.length > nameLengthMax || refusedInName.test(name))
    throw new InvalidInputError("name", `name has to have 1 to ${nameLengthMax} printable characters`);
  return name;
}

/**
 * Checks names of scopes as they come from a command line.
 * @returns each once, in the order in which they are documented
 * @throws InvalidInputError for one that doesn't exist, and for none at all
 */
export function parseScopes(names: readonly string[]): Scope[] {
  const known = scopes.filter((scope) => names.includes(scope));
  if (known.length === 0 || known.length !== new Set(names).size)
    throw new InvalidInputError("scope", `scope has to be among ${scopes.join(", ")}`);
  return known;
}

/** The name as far as letters, digits and hyphens go, and six more characters to tell it from others of that name. */
function generateId(name: string): string {
  const slug = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  const suffix = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, "0");
  return `${slug === "" ? "client" : slug}-${suffix}`;
}

/** Without the hash: it has no business outside this file. */
function toClient({ id, name, scopes: granted, implicit, createdAt, revokedAt }: ApiClientRecord): ApiClient {
  return { id, name, scopes: granted, implicit, createdAt, revokedAt };
}
