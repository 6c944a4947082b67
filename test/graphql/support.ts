import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { AccessControl } from "../../src/access/access-control.ts";
import { ApiClients } from "../../src/access/api-clients.ts";
import type { Scope } from "../../src/access/principal.ts";
import { SigningKeys } from "../../src/access/signing-keys.ts";
import { PrismaApiClientStorage } from "../../src/database/api-clients.ts";
import { PrismaInventoryQueries } from "../../src/database/inventory-queries.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/settlement.ts";
import { PrismaSigningKeyStorage } from "../../src/database/signing-keys.ts";
import type { IntrospectionAccess } from "../../src/graphql/context.ts";
import { graphqlPlugin } from "../../src/graphql/plugin.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { createDatabase } from "../support/database.ts";

/** A GraphQL error as a client reads it. */
export interface ErrorBody {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the shape follows from each test's document
export type AnyData = any;

/** An answer as it came. `data` is what the document says: tests know its shape. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: AnyData;
  readonly errors: readonly ErrorBody[] | undefined;
}

/** The GraphQL half of a gateway on a database of its own, with everything behind it real. */
export interface GraphQLServer {
  readonly url: string;
  readonly databaseUrl: string;
  /** Lines of the server's log. */
  readonly log: readonly string[];
  /** An access token of a new API client. */
  newToken(scopes?: readonly Scope[]): Promise<{ readonly token: string; readonly clientId: string }>;
  /** Posts a document as the first client, which may do everything. */
  graphql(document: string, variables?: object, headers?: Record<string, string>): Promise<Answer>;
  /** As {@link graphql}; throws if there are errors. */
  data(document: string, variables?: object): Promise<Answer["data"]>;
  fetch(init: RequestInit & { path?: string }): Promise<Response>;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startGraphQLServer(
  options: { readonly introspection?: IntrospectionAccess } = {},
): Promise<GraphQLServer> {
  const database = await createDatabase();
  const prisma = createPrisma(database.url, { poolSize: 8, name: "graphql test", preparesStatements: false });
  const groupCommit = new GroupCommit(new PrismaInventoryStorage(prisma));
  const clients = new ApiClients(new PrismaApiClientStorage(prisma));
  const access = new AccessControl({ clients, keys: new SigningKeys(new PrismaSigningKeyStorage(prisma)) });
  await access.prepare();
  const log: string[] = [];
  const app = fastify({
    logger: { level: "info", stream: { write: (line: string) => void log.push(line) } },
    bodyLimit: 1_048_576,
  });
  await graphqlPlugin(app, {
    inventory: new Inventory(groupCommit),
    queries: new PrismaInventoryQueries(prisma),
    authenticator: access,
    introspection: options.introspection ?? "token",
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  const newToken = async (scopes: readonly Scope[] = ["inventory:read", "inventory:write"]) => {
    const { client, secret } = await clients.create({ name: "Test", scopes, implicit: false });
    const { token } = await access.issueToken(
      { grant: "client_credentials", clientId: client.id, clientSecret: secret },
      "127.0.0.1",
    );
    return { token, clientId: client.id };
  };
  const { token } = await newToken();

  const request = async ({ path = "/graphql", ...init }: RequestInit & { path?: string }) =>
    fetch(`${url}${path}`, init);
  const graphql = async (
    query: string,
    variables: object = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await request({
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    return { status: response.status, headers: response.headers, data, errors };
  };
  return {
    url,
    databaseUrl: database.url,
    log,
    newToken,
    graphql,
    data: async (document, variables) => {
      const { data, errors } = await graphql(document, variables);
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data;
    },
    fetch: request,
    close: async () => {
      await app.close();
      await groupCommit.close();
      await prisma.$disconnect();
      await database.drop();
    },
  };
}

let products = 0;

/** A product id that no other test uses. */
export function newProduct(prefix = "product"): string {
  products += 1;
  return `${prefix}-${products}`;
}
