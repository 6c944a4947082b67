import { Writable } from "node:stream";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from "@jest/globals";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import type { CreatedApiClient } from "../../src/access/api-clients.ts";
import { oauthRoutes } from "../../src/rest/oauth.ts";
import { createAccessWorld, createAdministrator } from "./support.ts";
import type { AccessWorld, TestAccess } from "./support.ts";

let world: AccessWorld;
let gateway: TestAccess;
let administrator: CreatedApiClient;
let app: FastifyInstance;
let url: string;
let log: string;

beforeAll(async () => {
  world = await createAccessWorld();
});

beforeEach(async () => {
  gateway = world.access();
  administrator = await createAdministrator(gateway.clients);
  log = "";
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk);
      done();
    },
  });
  app = fastify({ logger: { level: "trace", stream } });
  await app.register(oauthRoutes, { access: gateway.access });
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});

afterEach(async () => await app.close());
afterAll(async () => await world.close());

const form = "application/x-www-form-urlencoded";

async function post(body: string | Uint8Array, contentType: string = form, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/oauth/access_token`, {
    method: "POST",
    body,
    headers: { "content-type": contentType, ...headers },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

function formOf(changed: Record<string, string> = {}): string {
  const { client, secret } = administrator;
  return new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client.id,
    client_secret: secret,
    ...changed,
  }).toString();
}

const invalidClient = {
  errors: [
    {
      status: 401,
      title: "Unable to validate access token",
      detail: "There is no such client, its secret is another one, or the grant is not open to it",
    },
  ],
};

const validationError = (detail: string) => ({ errors: [{ status: 400, title: "Validation Error", detail }] });

describe("a token", () => {
  test("is answered flat, with its life and its end, kept by no cache, and works", async () => {
    const before = Math.floor(Date.now() / 1_000);
    const { status, headers, body } = await post(formOf());
    const after = Math.floor(Date.now() / 1_000);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 3_600,
      expires: expect.any(Number),
      identifier: "client_credentials",
    });
    expect(Number(body["expires"])).toBeLessThanOrEqual(after + 3_600);
    expect(Number(body["expires"])).toBeGreaterThanOrEqual(before + 3_600);
    expect(await gateway.access.authenticate(`Bearer ${String(body["access_token"])}`)).toEqual({
      clientId: administrator.client.id,
      scopes: new Set(["inventory:read", "inventory:write"]),
    });
  });

  test("of the implicit grant needs no secret and can only read, for a client that was made so", async () => {
    const scopes = ["inventory:read", "inventory:write"] as const;
    const { client } = await gateway.clients.create({ name: "Shoppers", scopes, implicit: true });
    const { status, body } = await post(`grant_type=implicit&client_id=${client.id}`);
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        access_token: expect.any(String),
        token_type: "Bearer",
        expires_in: 3_600,
        expires: expect.any(Number),
        identifier: "implicit",
      },
    });
    const principal = await gateway.access.authenticate(`Bearer ${String(body["access_token"])}`);
    expect(principal).toEqual({ clientId: client.id, scopes: new Set(["inventory:read"]) });
  });

  test("B42: is given for a form that is called JSON, and for JSON", async () => {
    const { client, secret } = administrator;
    const json = JSON.stringify({ grant_type: "client_credentials", client_id: client.id, client_secret: secret });
    expect((await post(formOf(), "application/json")).status).toBe(200);
    expect((await post(json, "application/json")).status).toBe(200);
    expect((await post(json, "application/json; charset=utf-8")).status).toBe(200);
    expect((await post(json)).status).toBe(200);
  });
});

describe("B40: 401", () => {
  test("has one body for a wrong secret, an unknown client, a revoked one and a grant that is not open", async () => {
    const revoked = await gateway.clients.create({ name: "Revoked", scopes: ["inventory:read"], implicit: true });
    await gateway.clients.revoke(revoked.client.id);
    const closed = await gateway.clients.create({ name: "No shoppers", scopes: ["inventory:read"], implicit: false });
    expect(await gateway.clients.ensure("first", "secret")).toBe("created");
    for (const body of [
      formOf({ client_secret: "wrong" }),
      formOf({ client_secret: `${administrator.secret}x` }),
      formOf({ client_id: "nobody" }),
      formOf({ client_id: "no\u0000body" }),
      formOf({ client_id: "x".repeat(5_000) }),
      formOf({ client_id: revoked.client.id, client_secret: revoked.secret }),
      formOf({ client_id: administrator.client.id.toUpperCase() }),
      "grant_type=implicit&client_id=nobody",
      `grant_type=implicit&client_id=${closed.client.id}`,
      "grant_type=implicit&client_id=first",
      `grant_type=implicit&client_id=${revoked.client.id}`,
    ]) {
      const answer = await post(body);
      expect({ status: answer.status, body: answer.body, cache: answer.headers.get("cache-control") }).toEqual({
        status: 401,
        body: invalidClient,
        cache: "no-store",
      });
    }
  });

  test("takes an unknown client as long as a wrong secret", async () => {
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
    const times: Record<string, number[]> = { unknown: [], wrong: [] };
    for (let index = 0; index < 15; index += 1)
      for (const [name, body] of [
        ["unknown", formOf({ client_id: "nobody" })],
        ["wrong", formOf({ client_secret: "wrong" })],
      ] as const) {
        const began = performance.now();
        await post(body);
        times[name]?.push(performance.now() - began);
      }
    const ratio = median(times["unknown"] ?? []) / median(times["wrong"] ?? []);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });
});

describe("B42: 400", () => {
  const cases: [string, string, string][] = [
    ["nothing", "", "grant_type is missing"],
    ["no grant type", "client_id=a&client_secret=b", "grant_type is missing"],
    ["an empty grant type", "grant_type=&client_id=a&client_secret=b", "grant_type is missing"],
    [
      "the password grant",
      "grant_type=password&client_id=a&client_secret=b",
      "grant_type has to be client_credentials or implicit",
    ],
    [
      "a grant named like a prototype's property",
      "grant_type=__proto__&client_id=a",
      "grant_type has to be client_credentials or implicit",
    ],
    [
      "a repeated grant type",
      "grant_type=implicit&grant_type=client_credentials&client_id=a",
      "grant_type is repeated",
    ],
    ["a repeated client", "grant_type=implicit&client_id=a&client_id=b", "client_id is repeated"],
    ["no client", "grant_type=client_credentials&client_secret=b", "client_id is missing"],
    ["no secret", "grant_type=client_credentials&client_id=a", "client_secret is missing"],
    ["a JSON list", "[1]", "grant_type is missing"],
    ["JSON with a number", '{"grant_type":1}', "grant_type has to be text"],
    ["JSON with a list", '{"grant_type":["implicit"]}', "grant_type has to be text"],
    ["JSON with __proto__", '{"__proto__":{"grant_type":"implicit","client_id":"a"}}', "grant_type is missing"],
  ];
  test.each(cases)("%s", async (_name, sent, detail) => {
    for (const contentType of [form, "application/json"]) {
      const { status, body } = await post(sent, contentType);
      expect({ status, body }).toEqual({ status: 400, body: validationError(detail) });
    }
  });

  test("credentials in the address are not read", async () => {
    const response = await fetch(`${url}/oauth/access_token?${formOf()}`, { method: "POST" });
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 400,
      body: validationError("grant_type is missing"),
    });
  });
});

test("B43: of an unreadable body nothing is repeated, neither in the answer nor in the log", async () => {
  const { secret } = administrator;
  const bodies = [`{"grant_type":"client_credentials","client_secret":"${secret}"`, `{${secret}}`, `{"a":${secret}`];
  for (const body of bodies) {
    const answer = await post(body, "application/json");
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 400,
      body: validationError("The body is neither a form nor JSON"),
    });
  }
  await post(formOf());
  await post(formOf({ client_id: "nobody" }));
  const token = (await post(formOf())).body["access_token"];
  expect(log).toContain("/oauth/access_token");
  expect(log).not.toContain(secret);
  expect(log).not.toContain(String(token));
});

test("another method, another kind of body and too much of one are refused in the same envelope", async () => {
  const got = await fetch(`${url}/oauth/access_token`);
  expect({ status: got.status, allow: got.headers.get("allow"), body: await got.json() }).toEqual({
    status: 405,
    allow: "POST",
    body: { errors: [{ status: 405, title: "Method Not Allowed", detail: "The path takes POST" }] },
  });
  const multipart = await post("--x\r\n\r\n--x--", "multipart/form-data; boundary=x");
  expect({ status: multipart.status, body: multipart.body }).toEqual({
    status: 415,
    body: {
      errors: [
        {
          status: 415,
          title: "Unsupported Media Type",
          detail: "The body has to be a form: application/x-www-form-urlencoded",
        },
      ],
    },
  });
  const large = await post(formOf({ more: "x".repeat(16_384) }));
  expect({ status: large.status, body: large.body }).toEqual({
    status: 413,
    body: { errors: [{ status: 413, title: "Payload Too Large", detail: "The body is too large" }] },
  });
});

test("the public keys are served to everybody", async () => {
  const response = await fetch(`${url}/.well-known/jwks.json`);
  expect({
    status: response.status,
    cache: response.headers.get("cache-control"),
    body: await response.json(),
  }).toEqual({
    status: 200,
    cache: "public, max-age=60",
    body: await gateway.access.jwks(),
  });
});

describe("B41: guesses", () => {
  const tooMany = {
    errors: [{ status: 429, title: "Too Many Requests", detail: "Too many requests for access tokens have failed" }],
  };

  const clientOf = (secret: string) =>
    ({ grant: "client_credentials", clientId: administrator.client.id, clientSecret: secret }) as const;
  /** The answers to so many requests at once. @returns how many of each */
  const outcomesOf = async (
    count: number,
    ask: (index: number) => Promise<unknown>,
  ): Promise<Record<string, number>> => {
    const outcomes: Record<string, number> = {};
    const asked = Array.from({ length: count }, (_, index) =>
      ask(index).then(
        () => "issued",
        (error: Error) => error.name,
      ),
    );
    for (const outcome of await Promise.all(asked)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return outcomes;
  };

  test("a thousand at once: twenty get 401 and all others 429 with Retry-After, as does the right secret until a minute is over", async () => {
    const guesses = Array.from({ length: 1_000 }, (_, index) =>
      post(formOf({ client_secret: `guess ${index}` }), form, {
        "x-forwarded-for": `10.0.${index >> 8}.${index & 255}`,
      }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(980);
    const { status, headers, body } = await post(formOf());
    expect({ status, body }).toEqual({ status: 429, body: tooMany });
    expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
    gateway.clock.forward(60_001);
    expect((await post(formOf())).status).toBe(200);
  });

  test("from one address at many clients are bounded as well", async () => {
    gateway.clock.stop();
    const guess = (index: number) => post(`grant_type=implicit&client_id=nobody-${index}`);
    for (let index = 0; index < 100; index += 1) expect((await guess(index)).status).toBe(401);
    expect((await guess(100)).status).toBe(429);
  });

  test("from one address at many clients are bounded also where they are sent at once", async () => {
    const guess = (index: number) =>
      gateway.access.issueToken({ grant: "implicit", clientId: `nobody-${index}` }, "192.0.2.1");
    expect(await outcomesOf(150, guess)).toEqual({ InvalidClientError: 100, RateLimitedError: 50 });
  });

  test("at the address of a client that is known there are bounded also where they are sent at once", async () => {
    await gateway.access.issueToken(clientOf(administrator.secret), "192.0.2.1");
    const guess = () => gateway.access.issueToken(clientOf("guess"), "192.0.2.1");
    expect(await outcomesOf(60, guess)).toEqual({ InvalidClientError: 20, RateLimitedError: 40 });
  });

  test("of a stranger leave room for the client: whatever it asks at once, as long as one more may fail", async () => {
    const guess = () => gateway.access.issueToken(clientOf("guess"), "198.51.100.1");
    expect(await outcomesOf(19, guess)).toEqual({ InvalidClientError: 19 });
    const ask = () => gateway.access.issueToken(clientOf(administrator.secret), "192.0.2.1");
    expect(await outcomesOf(10, ask)).toEqual({ issued: 10 });
    expect(await outcomesOf(1, guess)).toEqual({ InvalidClientError: 1 });
    expect(await outcomesOf(1, guess)).toEqual({ RateLimitedError: 1 });
    expect(await outcomesOf(10, ask)).toEqual({ issued: 10 });
  });

  test("that a fault keeps from an answer don't count", async () => {
    await world.prisma.$executeRaw`ALTER TABLE api_client RENAME TO api_client_elsewhere`;
    const guess = () => gateway.access.issueToken(clientOf("guess"), "192.0.2.1");
    const faults = await outcomesOf(30, guess);
    await world.prisma.$executeRaw`ALTER TABLE api_client_elsewhere RENAME TO api_client`;
    expect(faults).toEqual({ PrismaClientKnownRequestError: 30 });
    expect(await outcomesOf(30, guess)).toEqual({ InvalidClientError: 20, RateLimitedError: 10 });
  });

  test("of a stranger don't shut out a client that is known at its own address", async () => {
    const request = clientOf(administrator.secret);
    await gateway.access.issueToken(request, "192.0.2.1");
    for (let index = 0; index < 20; index += 1)
      await expect(
        gateway.access.issueToken({ ...request, clientSecret: "guess" }, `198.51.100.${index}`),
      ).rejects.toThrow("There is no such client");
    await expect(gateway.access.issueToken(request, "203.0.113.1")).rejects.toThrow(
      "Too many requests for access tokens have failed",
    );
    expect((await gateway.access.issueToken(request, "192.0.2.1")).grant).toBe("client_credentials");
  });

  test("from a whole IPv6 subnet count as one address's", async () => {
    const guess = (index: number, address: string) =>
      gateway.access.issueToken({ grant: "implicit", clientId: `nobody-${index}` }, address);
    for (let index = 0; index < 100; index += 1)
      await expect(guess(index, `2001:db8::${index.toString(16)}:1`)).rejects.toThrow("There is no such client");
    await expect(guess(100, "2001:db8:0:0:ffff::1")).rejects.toThrow("Too many requests");
    await expect(guess(100, "2001:db8:0:1::1")).rejects.toThrow("There is no such client");
  });

  test("a shop that asks for fifty tokens at once, again and again, never meets the limit", async () => {
    for (let round = 0; round < 4; round += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => post(formOf())));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });
});
