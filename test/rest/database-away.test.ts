import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { RestClient } from "./rest-client.ts";

let database: TestDatabase;
let proxy: TcpProxy;
let gateway: TestGateway;

/** A gateway on a database that a proxy stands in front of, so that it can be taken away. */
beforeAll(async () => {
  database = await createDatabase();
  const url = new URL(database.url);
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  gateway = await startTestGateway({ databaseUrl: url.href });
});
afterAll(async () => {
  await gateway.close();
  await database.drop();
});

test("while the database is away every route answers 503 with Retry-After and tells no host", async () => {
  const rest = await RestClient.of(gateway);
  const path = "/v2/inventories/a";
  const increment = { data: { type: "stock-transaction", action: "increment", quantity: 1 } };
  const calls: readonly (readonly [method: string, path: string, body?: object])[] = [
    ["GET", "/v2/inventories"],
    ["GET", path],
    ["GET", `${path}/transactions`],
    ["GET", `${path}/transactions/0195c2d4-0000-7000-8000-000000000000`],
    ["POST", "/v2/inventories/multiple", { data: [{ id: "a" }] }],
    ["POST", `${path}/transactions`, increment],
    ["POST", path, { data: { quantity: 1 } }],
    ["DELETE", path],
  ];
  expect((await rest.apply("a", "increment", 1)).status).toBe(200);
  await proxy.close();
  for (const [method, to, body] of calls) {
    const answer = await rest.send(method, to, { body });
    expect([method, to, answer.status, answer.headers.get("retry-after"), answer.body]).toEqual([
      method,
      to,
      503,
      "1",
      { errors: [{ status: 503, title: "Service Unavailable", detail: expect.stringMatching(/^[\w' ]+$/) }] },
    ]);
  }
});
