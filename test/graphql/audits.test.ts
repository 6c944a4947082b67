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

afterAll(async () => server.close());

function withToken(given: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  headers.set("authorization", `Bearer ${token}`);
  headers.set("apollo-require-preflight", "1");
  return headers;
}

const audits = serverAudits({
  url: () => `${server.url}/graphql`,
  fetchFn: async (url: string, init: RequestInit = {}) => fetch(url, { ...init, headers: withToken(init.headers) }),
});

test("there are audits", () => {
  expect(audits.length).toBeGreaterThan(60);
});

test.each(audits.map((audit) => [audit.id, audit.name, audit] as const))(
  "GraphQL over HTTP, %s: %s",
  async (_id, _name, audit) => {
    const result = await audit.fn();
    expect({ status: result.status, reason: "reason" in result ? result.reason : null }).toEqual({
      status: "ok",
      reason: null,
    });
  },
);
