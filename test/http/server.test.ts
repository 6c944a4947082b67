import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({ corsOrigins: ["https://console.example"] });
});

afterAll(() => gateway.close());

/** Sends bytes as they are, and reads until the server closes. */
async function sendRaw(bytes: string): Promise<{ status: number; body: unknown }> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(bytes);
  const answer = await text(socket);
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body: JSON.parse(body) };
}

describe("a request's log line", () => {
  test.each([
    [
      "GraphQL",
      "/graphql?query=query+Probe{__typename}",
      { "apollo-require-preflight": "1" },
      { operation: { type: "query", field: "__typename", name: "Probe" } },
    ],
    ["REST", "/v2/inventories?page[limit]=1", {}, {}],
  ])("names the client over %s, and has neither query nor token", async (_name, path, headers, told) => {
    const token = await gateway.token();
    const id = `line-${_name}`;
    const response = await fetch(gateway.url + path, {
      headers: { ...headers, authorization: `Bearer ${token}`, "x-request-id": id },
    });
    expect(response.status).toBe(200);
    const lines = gateway.log
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter((line) => line["id"] === id);
    const [line] = lines;
    expect(lines).toHaveLength(1);
    const expected = {
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      hostname: expect.any(String),
      id,
      msg: "request",
    };
    const request = {
      method: "GET",
      path: path.split("?")[0],
      status: 200,
      ms: expect.any(Number),
      client: gateway.clientId,
      outcome: "OK",
    };
    expect(line).toEqual({ ...expected, ...request, ...told });
    expect(gateway.log.join("")).not.toContain(token);
  });
});

describe("the request id", () => {
  test("comes back as it was sent", async () => {
    const response = await fetch(`${gateway.url}/healthz`, { headers: { "x-request-id": "order-4711:1" } });
    expect(response.headers.get("x-request-id")).toBe("order-4711:1");
  });

  test.each([
    ["longer than 128 characters", "x".repeat(129)],
    ["with spaces", "a b"],
    ["empty", ""],
  ])("is replaced where it is %s", async (_name, id) => {
    const response = await fetch(`${gateway.url}/healthz`, { headers: { "x-request-id": id } });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("CORS", () => {
  test.each(["https://studio.apollographql.com", "https://sandbox.embed.apollographql.com", "https://console.example"])(
    "lets pages of %s call with the headers that the SDKs send",
    async (origin) => {
      const headers =
        "authorization,content-type,x-moltin-sdk-version,ep-channel,idempotency-key,apollo-require-preflight";
      const preflight = await fetch(`${gateway.url}/graphql`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": headers },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
      expect(preflight.headers.get("access-control-allow-headers")).toBe(headers);
      const response = await fetch(`${gateway.url}/healthz`, { headers: { origin } });
      expect(response.headers.get("access-control-expose-headers")).toBe(
        "Idempotent-Replayed, X-Request-Id, Retry-After",
      );
    },
  );

  test.each(["https://stranger.example", "null", "https://console.example.stranger.example"])(
    "grants nothing to %s",
    async (origin) => {
      for (const method of ["OPTIONS", "GET"]) {
        const response = await fetch(`${gateway.url}/healthz`, {
          method,
          headers: { origin, "access-control-request-method": "POST" },
        });
        expect(response.headers.get("access-control-allow-origin")).toBeNull();
      }
    },
  );
});

describe("what is no request", () => {
  test.each([
    [
      "a header of 20 KB",
      `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "Request Header Fields Too Large",
    ],
    [
      "a URL of 20 KB",
      `GET /healthz?${"x".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      431,
      "Request Header Fields Too Large",
    ],
    [
      "two lengths",
      "POST /v2/inventories/multiple HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      400,
      "Validation Error",
    ],
    [
      "a length and chunks",
      "POST /v2/inventories/multiple HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "Validation Error",
    ],
    ["no HTTP", "hello\r\n\r\n", 400, "Validation Error"],
  ])("%s is answered in JSON and closed", async (_name, bytes, status, title) => {
    const detail = "The request can't be read as HTTP";
    expect(await sendRaw(bytes)).toEqual({ status, body: { errors: [{ status, title, detail }] } });
  });

  test("a host of characters that names have not gets into no link", async () => {
    const authorization = `Authorization: Bearer ${await gateway.token()}`;
    const answer = await sendRaw(
      `GET /v2/inventories HTTP/1.1\r\nHost: evil'(x)&\r\n${authorization}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatchObject({
      status: 200,
      body: { links: { current: "/v2/inventories?page[offset]=0&page[limit]=25" } },
    });
  });

  test("an expectation that nobody knows is answered in JSON and closed", async () => {
    const answer = await sendRaw("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n");
    expect(answer).toEqual({ status: 417, body: { errors: [{ status: 417, title: "Expectation Failed" }] } });
  });

  test("no host is answered in JSON and closed", async () => {
    const answer = await sendRaw("GET /healthz HTTP/1.1\r\n\r\n");
    expect(answer).toEqual({ status: 400, body: { errors: [{ status: 400, title: "Validation Error" }] } });
  });

  test("is told in GraphQL's form below /graphql", async () => {
    const answer = await sendRaw(`POST /graphql HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`);
    const extensions = { code: "HEADERS_TOO_LARGE", status: 431 };
    expect(answer).toEqual({
      status: 431,
      body: { errors: [{ message: "Request Header Fields Too Large", extensions }] },
    });
  });

  test.each(["/%", "/v2/inventories/%zz", "/v2/%"])("the path %s is refused, never a fault", async (path) => {
    const answer = await sendRaw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toEqual({
      status: 400,
      body: { errors: [{ status: 400, title: "Validation Error", detail: expect.any(String) }] },
    });
  });
});

test("every answer forbids sniffing, framing and scripts", async () => {
  for (const path of ["/", "/healthz", "/v2/inventories", "/nowhere", "/openapi.json"]) {
    const { headers } = await fetch(gateway.url + path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  }
});

test("the root tells where things are", async () => {
  expect(await (await fetch(gateway.url)).json()).toEqual({
    name: "inventory-gateway",
    graphql: "/graphql",
    console: "/console",
    graphiql: "/graphiql",
    sandbox: "/graphql (in a browser)",
    rest: "/v2/inventories",
    openapi: "/openapi.json",
    token: "/oauth/access_token",
    jwks: "/.well-known/jwks.json",
    live: "/healthz",
    ready: "/readyz",
  });
});
