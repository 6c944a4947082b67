import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { serverAudits } from "graphql-http";
import { startGraphQLServer } from "./support.ts";
import type { GraphQLServer } from "./support.ts";

let server: GraphQLServer;
let token: string;

beforeAll(async () => {
  server = await startGraphQLServer();
  ({ token } = await server.newToken());
});

afterAll(async () => await server.close());

const audits = serverAudits({
  url: () => `${server.url}/graphql`,
  fetchFn: async (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}`, "apollo-require-preflight": "1" } }),
});

test("there are audits", () => {
  expect(audits.length).toBeGreaterThan(60);
});

test.each(audits.map((audit) => [audit.id, audit.name, audit] as const))("GraphQL over HTTP, %s: %s", async (_id, _name, audit) => {
  const result = await audit.fn();
  expect({ status: result.status, reason: "reason" in result ? result.reason : null }).toEqual({ status: "ok", reason: null });
});
