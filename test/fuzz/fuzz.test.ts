import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildSchema } from "graphql";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { randomDocuments } from "./random-documents.ts";

/*
 * Whatever is sent: no fault, no hang, no crash. Each test sends a bounded number of things that fast-check makes of a seed, which it
 * prints, with the smallest of them that fails, where one does.
 */

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await startTestGateway({ requestTimeoutMs: 2_000 });
  token = await gateway.token();
});

afterAll(() => gateway.close());

/** The same number of things, and no more time than that, on any machine. */
const bounds = { numRuns: 400, interruptAfterTimeLimit: 8_000 } as const;

/** Whether the gateway serves on, which faults it has met, and what is wrong with its ledger. */
async function harmDone(): Promise<object> {
  const ready = await fetch(`${gateway.url}/readyz`);
  const faults = gateway.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  return { ready: ready.status, faults, ledger: await auditLedger(gateway.databaseUrl) };
}

const none = { ready: 200, faults: [], ledger: [] };

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array;
}

/** Sends it as it is, and holds the answer to what every answer has to be. */
async function expectAnswer({ method, path, headers, body }: Sent): Promise<void> {
  const { hostname, port } = new URL(gateway.url);
  const own = [
    ["Host", `${hostname}:${port}`],
    ["Content-Length", String(Buffer.byteLength(body))],
  ] as const;
  const sent = request({ hostname, port, method, path, headers: [...own, ...headers].flat() });
  sent.end(body);
  const [response] = await once(sent, "response");
  const text = (await buffer(response)).toString();
  expectGoodAnswer(response.statusCode, response.headers["content-type"] ?? "", text);
}

function expectGoodAnswer(status: number, type: string, text: string): void {
  expect(status).toBeLessThan(500);
  expect(text).not.toMatch(/INTERNAL_SERVER_ERROR|node_modules|Prisma|SELECT |\n\s+at .+:\d+:\d+/);
  if (text !== "" && type.startsWith("application/json")) expect(() => JSON.parse(text) as unknown).not.toThrow();
}

/** Texts of these characters. */
function textOf(characters: string): fc.Arbitrary<string> {
  return fc.string({ unit: fc.nat(characters.length - 1).map((index) => characters.charAt(index)) });
}

const visible = textOf(`abcXYZ019 -_.,;:=/*"'(){}[]<>@?&%+~é\u00ff`);

test("random documents over the schema, whole and damaged, are answered without a fault", async () => {
  const schema = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
  const whole = randomDocuments(schema);
  const damaged = fc
    .tuple(whole, fc.nat(), fc.integer({ min: 0, max: 8 }), fc.string({ unit: "binary", maxLength: 5 }))
    .map(([text, at, count, inserted]) => {
      const start = at % text.length;
      return text.slice(0, start) + inserted + text.slice(start + count);
    });
  const headers = [
    ["Authorization", `Bearer ${token}`],
    ["Content-Type", "application/json"],
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: whole }, { weight: 1, arbitrary: damaged }), async (query) => {
      const body = JSON.stringify({ query });
      await expectAnswer({ method: "POST", path: "/graphql", headers, body });
    }),
    bounds,
  );
  expect(await harmDone()).toEqual(none);
});

test("random methods, paths, headers, encodings and bodies are answered without a fault", async () => {
  const paths = fc.oneof(
    fc.constantFrom(
      "/graphql",
      "/v2/inventories",
      "/v2/inventories/shirt",
      "/v2/inventories/shirt/transactions",
      "/v2/inventories/multiple",
      "/oauth/access_token",
      "/",
      "/openapi.json",
    ),
    fc.webPath().map((path) => `/v2/inventories${path}`),
    textOf(`abc/.%20e?&=[]+;\\~`).map((text) => `/${text}`),
    fc.webQueryParameters().map((query) => `/v2/inventories?page[limit]=${query}`),
  );
  const names = fc.constantFrom(
    "Idempotency-Key",
    "Accept",
    "Content-Encoding",
    "X-Request-Id",
    "Apollo-Require-Preflight",
    "Origin",
    "Accept-Encoding",
    "Cookie",
    "If-Match",
    "X-Forwarded-For",
    "X-HTTP-Method-Override",
    "Range",
    "TE",
    "Access-Control-Request-Method",
    "Authorization",
  );
  const types = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
      ),
    },
    { weight: 1, arbitrary: visible },
  );
  const line = { data: { type: "stock-transaction", action: "increment", quantity: 1 } };
  const bodies = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((data) => JSON.stringify({ data })),
    fc.jsonValue().map((value) => JSON.stringify({ data: { ...line.data, quantity: value } })),
    fc
      .dictionary(fc.constantFrom("query", "variables", "operationName", "extensions", "__proto__"), fc.jsonValue())
      .map((value) => JSON.stringify(value)),
    fc
      .tuple(fc.constant(JSON.stringify(line)), fc.nat(60), fc.string({ unit: "binary", maxLength: 3 }))
      .map(([text, at, inserted]) => text.slice(0, at) + inserted + text.slice(at)),
    fc.webQueryParameters(),
  );
  const requests = fc.record({
    method: fc.constantFrom(
      "GET",
      "POST",
      "POST",
      "POST",
      "PUT",
      "PATCH",
      "DELETE",
      "OPTIONS",
      "HEAD",
      "PROPFIND",
      "TRACE",
    ),
    path: paths,
    headers: fc
      .tuple(fc.boolean(), types, fc.array(fc.tuple(names, visible), { maxLength: 4 }))
      .map(([isKnown, type, others]) => [
        ...(isKnown ? [["Authorization", `Bearer ${token}`] as const] : []),
        ["Content-Type", type] as const,
        ...others,
      ]),
    body: bodies,
  });
  await fc.assert(
    fc.asyncProperty(requests, (sent) => expectAnswer(sent)),
    bounds,
  );
  expect(await harmDone()).toEqual(none);
});

test("random bytes on a connection are answered with a refusal or nothing, and it is closed", async () => {
  const { hostname, port } = new URL(gateway.url);
  const body = JSON.stringify({ data: { type: "stock-transaction", action: "increment", quantity: 1 } });
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const requests = fc.constantFrom(
    Buffer.from(head("/v2/inventories/shirt/transactions") + body),
    Buffer.from(head("/graphql") + body),
    Buffer.from(
      `GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    ),
    Buffer.from(
      `POST /v2/inventories/multiple HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ),
  );
  const changes = fc.array(fc.record({ at: fc.nat(), removed: fc.nat(6), inserted: fc.uint8Array({ maxLength: 6 }) }), {
    maxLength: 4,
  });
  const damaged = fc.tuple(requests, changes).map(([bytes, all]) =>
    all.reduce<Buffer>((text, { at, removed, inserted }) => {
      const start = at % (text.length + 1);
      return Buffer.concat([text.subarray(0, start), inserted, text.subarray(start + removed)]);
    }, bytes),
  );
  const bytes = fc.oneof(
    { weight: 5, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw)) },
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const socket = connect(Number(port), hostname);
      await once(socket, "connect");
      // A connection that is reset before all was written is closed all the same.
      socket.on("error", () => undefined);
      socket.end(sent);
      const answer = (await buffer(socket).catch(() => Buffer.alloc(0))).toString("latin1");
      // One answer for each request that could be made out in it.
      for (const [, status = ""] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) expect(Number(status)).toBeLessThan(500);
      expect(answer).not.toMatch(/INTERNAL_SERVER_ERROR|node_modules/);
    }),
    bounds,
  );
  expect(await harmDone()).toEqual(none);
});
