import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { AccessControl } from "../../src/access/access-control.ts";
import { ApiClients } from "../../src/access/api-clients.ts";
import { SigningKeys } from "../../src/access/signing-keys.ts";
import { PrismaApiClientStorage } from "../../src/database/api-clients.ts";
import { PrismaInventoryQueries } from "../../src/database/inventory-queries.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/settlement.ts";
import { PrismaSigningKeyStorage } from "../../src/database/signing-keys.ts";
import type { PrismaClient } from "../../src/database/generated/client.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { restPlugin } from "../../src/rest/plugin.ts";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";

const deadlineMs = 500;

let database: TestDatabase;
let proxy: TcpProxy;
let prisma: PrismaClient;
let app: FastifyInstance;
let url: string;
let credentials: URLSearchParams;

/** The REST API on a database that a proxy stands in front of, so that it can be taken away. */
beforeAll(async () => {
  database = await createDatabase();
  const target = new URL(database.url);
  proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  target.hostname = "127.0.0.1";
  target.port = String(proxy.port);
  prisma = createPrisma(target.href, { name: "database-away", poolSize: 3, preparesStatements: false });
  const clients = new ApiClients(new PrismaApiClientStorage(prisma));
  const access = new AccessControl({ clients, keys: new SigningKeys(new PrismaSigningKeyStorage(prisma)) });
  const { client, secret } = await clients.create({
    name: "Shop",
    scopes: ["inventory:read", "inventory:write"],
    implicit: false,
  });
  credentials = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client.id,
    client_secret: secret,
  });
  app = fastify({ forceCloseConnections: true });
  await app.register(restPlugin, {
    inventory: new Inventory(new GroupCommit(new PrismaInventoryStorage(prisma), { deadlineMs })),
    queries: new PrismaInventoryQueries(prisma),
    authenticator: access,
    access,
  });
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});

afterAll(async () => {
  await app.close();
  await prisma.$disconnect();
  await database.drop();
});

test("while the database is away every route answers 503 with Retry-After, soon, and tells no host", async () => {
  const grant = await fetch(`${url}/oauth/access_token`, { method: "POST", body: credentials });
  const { access_token: token } = (await grant.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const increment = JSON.stringify({ data: { type: "stock-transaction", action: "increment", quantity: 1 } });
  const path = "/v2/inventories/a";
  const calls: readonly (readonly [method: string, path: string, body?: string])[] = [
    ["GET", "/v2/inventories"],
    ["GET", path],
    ["GET", `${path}/transactions`],
    ["GET", `${path}/transactions/0195c2d4-0000-7000-8000-000000000000`],
    ["POST", "/v2/inventories/multiple", `{"data":[{"id":"a"}]}`],
    ["POST", `${path}/transactions`, increment],
    ["POST", path, `{"data":{"quantity":1}}`],
    ["DELETE", path],
  ];
  const call = ([method, to, body]: (typeof calls)[number]): Promise<Response> =>
    fetch(`${url}${to}`, { method, headers, ...(body === undefined ? {} : { body }) });
  expect((await call(["POST", `${path}/transactions`, increment])).status).toBe(200);

  await proxy.close();
  const startedAt = Date.now();
  for (const request of calls) {
    const response = await call(request);
    expect([request, response.status, response.headers.get("retry-after"), await response.json()]).toEqual([
      request,
      503,
      "1",
      { errors: [{ status: 503, title: "Service Unavailable", detail: expect.stringMatching(/^[\w' ]+$/) }] },
    ]);
  }
  expect(Date.now() - startedAt).toBeLessThan(calls.length * deadlineMs * 2);
});
