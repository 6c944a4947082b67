import { createServer } from "node:http";
import type { Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { CryptoKey } from "jose";
import { ServiceUnavailableError } from "../../src/inventory/errors.ts";
import { UnauthenticatedError } from "../../src/access/principal.ts";
import { createAccessWorld, createAdministrator, forge, readSigningKey, strangersKey, tokenOf } from "./support.ts";
import type { AccessWorld, TestAccess } from "./support.ts";

/** An issuer with a real JWKS address that counts how often it is asked. */
class TestIssuer {
  asked = 0;
  isDown = false;
  keys: Record<string, string>[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer((_request, response) => {
      issuer.asked += 1;
      if (issuer.isDown) response.writeHead(503).end();
      else response.end(JSON.stringify({ keys: issuer.keys }));
    });
    const issuer = new TestIssuer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  get url(): URL {
    const { port } = this.#server.address() as { port: number };
    return new URL(`http://127.0.0.1:${port}/jwks.json`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const issuerName = "https://login.example.com/";
const audience = "https://inventory.example.com";
let world: AccessWorld;
let issuer: TestIssuer;
let gateway: TestAccess;
let issuersKey: CryptoKey;

beforeAll(async () => {
  world = await createAccessWorld();
  issuer = await TestIssuer.start();
});

beforeEach(async () => {
  const { key, publicJwk } = await strangersKey("RS256");
  issuersKey = key;
  Object.assign(issuer, { asked: 0, isDown: false, keys: [{ ...publicJwk, kid: "1", alg: "RS256", use: "sig" }] });
  gateway = world.access({ outsideIssuer: { issuer: issuerName, audience, jwksUrl: issuer.url } });
});

afterAll(async () => {
  await issuer.close();
  await world.close();
});

const header = { alg: "RS256", kid: "1" };

function claims(changed: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return {
    iss: issuerName,
    aud: [audience, "other"],
    sub: "user-1",
    azp: "frontend",
    scope: "openid inventory:read",
    iat: now,
    exp: now + 600,
    ...changed,
  };
}

const authenticate = async (token: string) => await gateway.access.authenticate(`Bearer ${token}`);
const issued = async (changed: Record<string, unknown> = {}) =>
  await authenticate(await forge(header, claims(changed), issuersKey));

describe("a token of the outside issuer", () => {
  test("names its client with the issuer before it, and the scopes that it says", async () => {
    expect(await issued()).toEqual({ clientId: `${issuerName}|frontend`, scopes: new Set(["inventory:read"]) });
    expect((await issued({ client_id: "program" })).clientId).toBe(`${issuerName}|program`);
    expect((await issued({ azp: undefined })).clientId).toBe(`${issuerName}|user-1`);
    expect((await issued({ scope: "inventory:write inventory:read" })).scopes).toEqual(
      new Set(["inventory:read", "inventory:write"]),
    );
    expect((await issued({ scope: ["inventory:write"] })).scopes).toEqual(new Set());
  });

  test("can't name a client of the gateway's own, and none can be made that it could name", async () => {
    const administrator = await createAdministrator(gateway.clients);
    expect((await issued({ client_id: administrator.client.id })).clientId).toBe(
      `${issuerName}|${administrator.client.id}`,
    );
    const made = gateway.clients.create({
      id: `${issuerName}|frontend`,
      name: "Twin",
      scopes: ["inventory:read"],
      implicit: false,
    });
    await expect(made).rejects.toThrow("none of them a |");
  });

  const now = (): number => Math.floor(Date.now() / 1_000);
  const refused: [string, () => Record<string, unknown>][] = [
    ["for another audience", () => ({ aud: "other" })],
    ["without an audience", () => ({ aud: undefined })],
    ["of an issuer that is not quite the same", () => ({ iss: "https://login.example.com" })],
    ["without an exp", () => ({ exp: undefined })],
    ["without an iat", () => ({ iat: undefined })],
    ["that lives for more than a day", () => ({ exp: now() + 90_000 })],
    ["that has expired", () => ({ iat: now() - 600, exp: now() - 60 })],
    ["without a client or subject", () => ({ azp: undefined, sub: undefined })],
    ["with an empty client", () => ({ client_id: "" })],
    ["with a client that is no text", () => ({ client_id: 1 })],
    ["with a control character in the client's name", () => ({ client_id: "a\nb" })],
    ["with a client's name too long to stay itself", () => ({ client_id: "x".repeat(230) })],
  ];
  test.each(refused)("%s is refused", async (_name, changed) => {
    await expect(issued(changed())).rejects.toThrow(UnauthenticatedError);
  });

  test("signed with another key, or with the public key as a secret, is refused", async () => {
    const stranger = await strangersKey("RS256");
    await expect(authenticate(await forge(header, claims(), stranger.key))).rejects.toThrow(UnauthenticatedError);
    const secret = Buffer.from(JSON.stringify(issuer.keys[0]));
    await expect(authenticate(await forge({ alg: "HS256", kid: "1" }, claims(), secret))).rejects.toThrow(
      UnauthenticatedError,
    );
  });
});

test("neither issuer can speak for the other", async () => {
  const administrator = await createAdministrator(gateway.clients);
  await gateway.access.prepare();
  const own = await readSigningKey(world.prisma);
  const inOurName = claims({
    iss: "inventory-gateway",
    aud: "inventory-gateway",
    client_id: administrator.client.id,
    sub: administrator.client.id,
  });
  await expect(authenticate(await forge({ ...header, typ: "at+jwt" }, inOurName, issuersKey))).rejects.toThrow(
    UnauthenticatedError,
  );
  await expect(
    authenticate(await forge({ alg: "ES256", kid: own.kid, typ: "at+jwt" }, claims(), own.key)),
  ).rejects.toThrow(UnauthenticatedError);
  expect((await authenticate(await tokenOf(gateway, administrator))).clientId).toBe(administrator.client.id);
});

test("the issuer is asked for its keys once, and made-up kids don't make it be asked again", async () => {
  for (let index = 0; index < 5; index += 1) await issued({ jti: String(index) });
  for (let index = 0; index < 20; index += 1)
    await expect(
      authenticate(await forge({ ...header, kid: `made-up-${index}` }, claims(), issuersKey)),
    ).rejects.toThrow(UnauthenticatedError);
  expect(issuer.asked).toBe(1);
});

test("a new key of the issuer is found also where the clock is put back, and where the issuer failed before that", async () => {
  // Making one takes a while, in which the clock would stand still.
  const { key, publicJwk } = await strangersKey("RS256");
  gateway.clock.stop();
  gateway.clock.forward(20_000);
  expect((await issued()).clientId).toBe(`${issuerName}|frontend`);
  gateway.clock.forward(-20_000);
  issuer.keys = [{ ...publicJwk, kid: "2", alg: "RS256", use: "sig" }];
  const token = await forge({ ...header, kid: "2" }, claims(), key);
  issuer.isDown = true;
  await expect(authenticate(token)).rejects.toThrow(ServiceUnavailableError);
  issuer.isDown = false;
  gateway.clock.forward(-1_000);
  expect((await authenticate(token)).clientId).toBe(`${issuerName}|frontend`);
});

test("while the issuer is away its tokens get 503, the gateway's own are taken, and the issuer is not pressed", async () => {
  issuer.isDown = true;
  gateway.clock.stop();
  for (let index = 0; index < 5; index += 1)
    await expect(issued({ jti: String(index) })).rejects.toThrow(ServiceUnavailableError);
  expect(issuer.asked).toBe(1);
  const administrator = await createAdministrator(gateway.clients);
  expect((await authenticate(await tokenOf(gateway, administrator))).clientId).toBe(administrator.client.id);
  issuer.isDown = false;
  gateway.clock.forward(1_001);
  expect((await issued()).clientId).toBe(`${issuerName}|frontend`);
});

test("without such a setting its tokens are refused", async () => {
  const plain = world.access();
  const token = await forge(header, claims(), issuersKey);
  await expect(plain.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
});
