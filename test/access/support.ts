import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import type { CryptoKey, JWTHeaderParameters } from "jose";
import { AccessControl } from "../../src/access/access-control.ts";
import type { AccessControlOptions } from "../../src/access/access-control.ts";
import { ApiClients } from "../../src/access/api-clients.ts";
import type { CreatedApiClient } from "../../src/access/api-clients.ts";
import { SigningKeys } from "../../src/access/signing-keys.ts";
import { PrismaApiClientStorage } from "../../src/database/api-clients.ts";
import type { PrismaClient } from "../../src/database/generated/client.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaSigningKeyStorage } from "../../src/database/signing-keys.ts";
import { createDatabase } from "../support/database.ts";

/** A clock that a test moves: time passes without waiting for it. */
export class MovableClock {
  #aheadMs = 0;
  #stoppedAt: number | null = null;

  readonly now = (): number => (this.#stoppedAt ?? Date.now()) + this.#aheadMs;

  /** From now on only {@link forward} makes time pass: a slow machine changes nothing. */
  stop(): void {
    this.#stoppedAt = Date.now();
  }

  forward(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** Access control as one gateway has it. */
export interface TestAccess {
  readonly access: AccessControl;
  readonly clients: ApiClients;
  readonly keys: SigningKeys;
  readonly clock: MovableClock;
}

/** A database, and gateways' access controls over it. */
export interface AccessWorld {
  readonly url: string;
  readonly prisma: PrismaClient;
  connect(): PrismaClient;
  access(options?: Partial<AccessControlOptions>, prisma?: PrismaClient): TestAccess;
  close(): Promise<void>;
}

export async function createAccessWorld(): Promise<AccessWorld> {
  const database = await createDatabase();
  const connections: PrismaClient[] = [];
  const connect = (): PrismaClient => {
    const prisma = createPrisma(database.url, { poolSize: 5, name: "access test", preparesStatements: false });
    connections.push(prisma);
    return prisma;
  };
  const shared = connect();
  return {
    url: database.url,
    prisma: shared,
    connect,
    access: (options = {}, prisma = shared) => {
      const clock = new MovableClock();
      const clients = new ApiClients(new PrismaApiClientStorage(prisma), clock.now);
      const keys = new SigningKeys(new PrismaSigningKeyStorage(prisma), clock.now);
      return { access: new AccessControl({ clients, keys, clock: clock.now, ...options }), clients, keys, clock };
    },
    close: async () => {
      await Promise.all(connections.map((prisma) => prisma.$disconnect()));
      await database.drop();
    },
  };
}

/** A new client with both scopes and, as the first one of an installation, without the implicit grant. */
export async function createAdministrator(clients: ApiClients): Promise<CreatedApiClient> {
  return await clients.create({
    name: `Administrator ${randomUUID()}`,
    scopes: ["inventory:read", "inventory:write"],
    implicit: false,
  });
}

/** An access token for the client's secret. */
export async function tokenOf({ access }: TestAccess, { client, secret }: CreatedApiClient): Promise<string> {
  return (
    await access.issueToken({ grant: "client_credentials", clientId: client.id, clientSecret: secret }, "127.0.0.1")
  ).token;
}

/** The gateway's own signing key, as only somebody with the database can have it: what is forged with it is refused for its claims alone. */
export async function readSigningKey(
  prisma: PrismaClient,
): Promise<{ kid: string; key: CryptoKey; publicJwk: Record<string, string> }> {
  const row = await prisma.signingKey.findFirstOrThrow({ where: { retiredAt: null } });
  const key = await importJWK(row.privateJwk as Record<string, string> & { kty: string }, "ES256");
  return { kid: row.id, key: key as CryptoKey, publicJwk: row.publicJwk as Record<string, string> };
}

/** Signs whatever is given, right or wrong. */
export async function forge(
  header: JWTHeaderParameters,
  claims: Record<string, unknown>,
  key: CryptoKey | Uint8Array,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader(header)
    .sign(key, header.crit === undefined ? {} : { crit: { "x-unknown": true } });
}

/** A key pair that the gateway has never seen. */
export async function strangersKey(alg = "ES256"): Promise<{ key: CryptoKey; publicJwk: Record<string, string> }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { key: privateKey, publicJwk: (await exportJWK(publicKey)) as Record<string, string> };
}
