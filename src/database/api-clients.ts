import type { ApiClientRecord, ApiClientStorage } from "../access/api-clients.ts";
import { scopes } from "../access/principal.ts";
import { whileAvailable } from "./availability.ts";
import type { ApiClient, PrismaClient } from "./generated/client.ts";

/** API clients in the table api_client. */
export class PrismaApiClientStorage implements ApiClientStorage {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async find(id: string): Promise<ApiClientRecord | null> {
    const row = await whileAvailable(() => this.#prisma.apiClient.findUnique({ where: { id } }));
    return row === null ? null : toRecord(row);
  }

  async list(): Promise<ApiClientRecord[]> {
    const rows = await whileAvailable(() =>
      this.#prisma.apiClient.findMany({ orderBy: [{ createdAt: "asc" }, { id: "asc" }] }),
    );
    return rows.map(toRecord);
  }

  async create(record: ApiClientRecord): Promise<boolean> {
    const { count } = await whileAvailable(() =>
      this.#prisma.apiClient.createMany({ data: [toRow(record)], skipDuplicates: true }),
    );
    return count === 1;
  }

  /** Gateways that start at once all find the table empty: the primary key then lets one row in, and the others wait for it. */
  async createFirst(record: ApiClientRecord): Promise<boolean> {
    const { id, name, secretHash, scopes: granted, implicit, createdAt } = toRow(record);
    const count = await whileAvailable(
      () => this.#prisma.$executeRaw`
        INSERT INTO api_client (id, name, secret_hash, scopes, implicit, created_at)
        SELECT ${id}, ${name}, ${secretHash}, ${granted}::text[], ${implicit}, ${createdAt}
        WHERE NOT EXISTS (SELECT FROM api_client)
        ON CONFLICT (id) DO NOTHING`,
    );
    return count === 1;
  }

  async replaceSecret(id: string, secretHash: string): Promise<boolean> {
    const { count } = await whileAvailable(() =>
      this.#prisma.apiClient.updateMany({ where: { id }, data: { secretHash } }),
    );
    return count === 1;
  }

  async revoke(id: string, revokedAt: Date): Promise<boolean> {
    const { count } = await whileAvailable(() =>
      this.#prisma.apiClient.updateMany({ where: { id, revokedAt: null }, data: { revokedAt } }),
    );
    return count === 1;
  }
}

/** A scope that this release doesn't know grants nothing. */
function toRecord(row: ApiClient): ApiClientRecord {
  return { ...row, scopes: scopes.filter((scope) => row.scopes.includes(scope)) };
}

function toRow(record: ApiClientRecord): ApiClient {
  return { ...record, scopes: [...record.scopes] };
}
