import "reflect-metadata";
import type { FastifyBaseLogger } from "fastify";
import { AccessControl } from "./access/access-control.ts";
import { ApiClients } from "./access/api-clients.ts";
import { SigningKeys } from "./access/signing-keys.ts";
import type { Config } from "./config.ts";
import { PrismaApiClientStorage } from "./database/api-clients.ts";
import { PrismaInventoryQueries } from "./database/inventory-queries.ts";
import { createPrisma } from "./database/prisma.ts";
import { PrismaInventoryStorage } from "./database/inventory-storage.ts";
import { PrismaSigningKeyStorage } from "./database/signing-keys.ts";
import { createServer } from "./http/server.ts";
import { GroupCommit } from "./inventory/group-commit.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { Settler } from "./inventory/inventory.ts";

/** What a gateway is started with, besides a migrated database. */
export interface GatewayOptions extends Pick<
  Config,
  "host" | "port" | "introspection" | "outsideIssuer" | "corsOrigins" | "lanes" | "databasePoolSize"
> {
  readonly databaseUrl: string;
  readonly logger: FastifyBaseLogger;
  /** Settles commands in place of the gateway's own groups: the benchmark compares with others. */
  readonly settler?: Settler | undefined;
}

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly clients: ApiClients;
  /** Takes no more connections, answers what was accepted, and lets go of the database. */
  close(): Promise<void>;
}

/** Puts the parts together over a migrated database, and listens. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { databaseUrl, lanes } = options;
  // Two pools: reads never keep a group waiting for a connection.
  const writing = createPrisma(databaseUrl, {
    name: "inventory-gateway groups",
    poolSize: lanes + 1,
    preparesStatements: true,
  });
  const reading = createPrisma(databaseUrl, {
    name: "inventory-gateway",
    poolSize: options.databasePoolSize,
    preparesStatements: false,
  });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(writing), { lanes });
  const clients = new ApiClients(new PrismaApiClientStorage(reading));
  const keys = new SigningKeys(new PrismaSigningKeyStorage(reading));
  const access = new AccessControl({ clients, keys, outsideIssuer: options.outsideIssuer ?? undefined });
  const disconnect = async (): Promise<void> => {
    await groupCommit.close();
    await Promise.all([writing.$disconnect(), reading.$disconnect()]);
  };
  try {
    await access.prepare();
    const server = await createServer({
      logger: options.logger,
      corsOrigins: options.corsOrigins,
      introspection: options.introspection,
      inventory: new Inventory(options.settler ?? groupCommit),
      queries: new PrismaInventoryQueries(reading),
      authenticator: access,
      access,
      pingDatabase: () => reading.$queryRaw`SELECT 1`,
    });
    const url = await server.listen({ host: options.host, port: options.port });
    return {
      url,
      clients,
      close: async () => {
        await server.close();
        await disconnect();
      },
    };
  } catch (error) {
    await disconnect();
    throw error;
  }
}
