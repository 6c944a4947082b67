import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { createServer } from "node:http";
import { UnauthenticatedError } from "../../src/access/principal.ts";
import { PrismaSigningKeyStorage } from "../../src/database/signing-keys.ts";
import { createAccessWorld, createAdministrator, forge, strangersKey, tokenOf } from "./support.ts";
import type { AccessWorld, TestAccess } from "./support.ts";

let world: AccessWorld;

beforeEach(async () => {
  world = await createAccessWorld();
});

afterEach(async () => await world.close());

const hourMs = 3_600_000;

test("ten gateways that start at once over two connection pools make one key, and take each other's tokens", async () => {
  const pools = [world.connect(), world.connect()];
  const gateways = Array.from({ length: 10 }, (_, index) => world.access({}, pools[index % 2]));
  await Promise.all(gateways.map(({ access }) => access.prepare()));
  expect(await world.prisma.signingKey.count()).toBe(1);
  const published = await Promise.all(gateways.map(({ access }) => access.jwks()));
  expect(new Set(published.map((jwks) => JSON.stringify(jwks)))).toHaveProperty("size", 1);
  const [first] = gateways;
  if (first === undefined) throw new Error("There are ten");
  const administrator = await createAdministrator(first.clients);
  const token = await tokenOf(first, administrator);
  const principals = await Promise.all(gateways.map(({ access }) => access.authenticate(`Bearer ${token}`)));
  expect(new Set(principals.map(({ clientId }) => clientId))).toEqual(new Set([administrator.client.id]));
});

test("of ten first keys stored at the same instant at most one stays, however often it is tried", async () => {
  const pools = [world.connect(), world.connect()];
  const storages = Array.from(
    { length: 10 },
    (_, index) => new PrismaSigningKeyStorage(pools[index % 2] ?? world.prisma),
  );
  await Promise.all(storages.map((storage) => storage.list()));
  let stored = 0;
  for (let round = 0; round < 20; round += 1) {
    const keyOf = (index: number) => ({
      id: `${round} ${index}`,
      algorithm: "ES256",
      publicJwk: {},
      privateJwk: {},
      createdAt: new Date(),
    });
    const outcomes = await Promise.all(storages.map((storage, index) => storage.createFirst(keyOf(index))));
    const { count } = await world.prisma.signingKey.deleteMany();
    expect(count).toBe(outcomes.filter((isStored) => isStored).length);
    expect(count).toBeLessThanOrEqual(1);
    stored += count;
  }
  expect(stored).toBeGreaterThan(0);
});

test("two gateways that rotate at once replace the key once or twice, and one key is left that is not retired", async () => {
  const gateways = [world.access(), world.access({}, world.connect())];
  await Promise.all(gateways.map(({ access }) => access.prepare()));
  const replaced = await Promise.all(gateways.map(({ keys }) => keys.rotate()));
  expect(replaced).toContain(true);
  expect(await world.prisma.signingKey.count({ where: { retiredAt: null } })).toBe(1);
});

test("only the public half is published, and others verify our tokens with it", async () => {
  const gateway = world.access();
  const token = await tokenOf(gateway, await createAdministrator(gateway.clients));
  const jwks = await gateway.access.jwks();
  const base64url = expect.stringMatching(/^[\w-]{43}$/);
  expect(jwks).toEqual({
    keys: [{ kty: "EC", crv: "P-256", x: base64url, y: base64url, kid: base64url, alg: "ES256", use: "sig" }],
  });
  const server = createServer((_request, response) => response.end(JSON.stringify(jwks)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const { protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(`http://127.0.0.1:${port}/`)));
  expect(protectedHeader.kid).toBe(jwks.keys[0]?.kid);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("after a rotation the old key signs until the new one is known everywhere, verifies for an hour more, and is then refused", async () => {
  const gateway = world.access();
  const other = world.access({}, world.connect());
  const administrator = await createAdministrator(gateway.clients);
  const kidOf = (token: string): unknown =>
    JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString())["kid"];
  const oldToken = await tokenOf(gateway, administrator);
  await other.access.authenticate(`Bearer ${oldToken}`);

  expect(await gateway.keys.rotate()).toBe(true);
  expect(kidOf(await tokenOf(gateway, administrator))).toBe(kidOf(oldToken));
  expect((await gateway.access.jwks()).keys).toHaveLength(2);

  for (const { clock } of [gateway, other]) clock.forward(31_000);
  const newToken = await tokenOf(gateway, administrator);
  expect(kidOf(newToken)).not.toBe(kidOf(oldToken));
  await other.access.authenticate(`Bearer ${newToken}`);
  await other.access.authenticate(`Bearer ${oldToken}`);

  other.clock.forward(hourMs);
  expect((await other.access.jwks()).keys.map(({ kid }) => kid)).toEqual([kidOf(newToken)]);
});

test("B38: a token of a key past its overlap is refused, though the token itself would still hold", async () => {
  const gateway = world.access();
  const administrator = await createAdministrator(gateway.clients);
  const token = await tokenOf(gateway, administrator);
  await world.prisma.signingKey.updateMany({ data: { retiredAt: new Date(Date.now() - hourMs - 29_000) } });
  gateway.clock.forward(11_000);
  await expect(gateway.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
});

test("a key that is taken out of the database counts no more ten seconds later, for tokens in the cache as well", async () => {
  const gateway = world.access();
  const administrator = await createAdministrator(gateway.clients);
  const token = await tokenOf(gateway, administrator);
  await gateway.access.authenticate(`Bearer ${token}`);
  await world.prisma.signingKey.deleteMany();
  gateway.clock.forward(10_001);
  await expect(gateway.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
  await gateway.access.authenticate(`Bearer ${await tokenOf(gateway, administrator)}`);
});

test("a rotation that forgets the old keys ends their tokens within ten seconds, on other gateways as well, and the new key signs at once", async () => {
  const gateway = world.access();
  const other = world.access({}, world.connect());
  const administrator = await createAdministrator(gateway.clients);
  const token = await tokenOf(gateway, administrator);
  await other.access.authenticate(`Bearer ${token}`);
  expect(await gateway.keys.rotate({ forgetOld: true })).toBe(true);
  other.clock.forward(10_001);
  await expect(other.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
  await other.access.authenticate(`Bearer ${await tokenOf(gateway, administrator)}`);
  expect(await world.prisma.signingKey.count()).toBe(1);
});

test("a rotation that forgets the old keys ends their tokens within ten seconds also where they are first used after it", async () => {
  const gateway = world.access();
  const other = world.access({}, world.connect());
  const administrator = await createAdministrator(gateway.clients);
  const tokens = await Promise.all([1, 2, 3, 4].map(() => tokenOf(gateway, administrator)));
  const [known = "", ...later] = tokens;
  other.clock.stop();
  await other.access.authenticate(`Bearer ${known}`);
  other.clock.forward(11_000);
  // The keys are read anew here, right before the rotation.
  await other.access.authenticate(`Bearer ${known}`);
  expect(await gateway.keys.rotate({ forgetOld: true })).toBe(true);

  let passedMs = 0;
  const outcomes: string[] = [];
  for (const [index, firstUsedMs] of [1_000, 8_900, 9_700].entries()) {
    other.clock.forward(firstUsedMs - passedMs);
    passedMs = firstUsedMs;
    outcomes.push(await outcomeOf(other, later[index] ?? ""));
  }
  // What was read before the rotation counts for a while: nothing but the end of that is promised.
  expect(outcomes[0]).toBe("taken");
  other.clock.forward(10_000 - passedMs);
  for (const token of tokens) expect(await outcomeOf(other, token)).toBe("UnauthenticatedError");
});

async function outcomeOf({ access }: TestAccess, token: string): Promise<string> {
  return access.authenticate(`Bearer ${token}`).then(
    () => "taken",
    (error: Error) => error.name,
  );
}

test("the list of keys says which signs, which will and until when each verifies, and holds neither half of any", async () => {
  const { keys, clock } = world.access();
  expect(await keys.list()).toEqual([]);
  clock.stop();
  const startedAt = clock.now();
  await keys.rotate();
  clock.forward(60_000);
  await keys.rotate();
  const [newest, oldest] = await keys.list();
  const thumbprint = expect.stringMatching(/^[\w-]{43}$/);
  const key = { id: thumbprint, algorithm: "ES256" };
  const rotatedAt = startedAt + 60_000;
  const verifiesUntil = new Date(rotatedAt + hourMs + 30_000);
  expect(newest).toEqual({ ...key, createdAt: new Date(rotatedAt), signs: false, verifies: true, verifiesUntil: null });
  expect(oldest).toEqual({ ...key, createdAt: new Date(startedAt), signs: true, verifies: true, verifiesUntil });
  clock.forward(30_000);
  expect((await keys.list()).map(({ signs }) => signs)).toEqual([true, false]);
  clock.forward(hourMs - 1);
  expect((await keys.list()).map(({ verifies }) => verifies)).toEqual([true, true]);
  clock.forward(1);
  expect((await keys.list()).map(({ verifies }) => verifies)).toEqual([true, false]);
});

test("made-up kids make the gateway read its keys at most once a second", async () => {
  const gateway = world.access();
  gateway.clock.stop();
  await gateway.access.prepare();
  const { key } = await strangersKey();
  const attack = async (): Promise<void> => {
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        forge({ alg: "ES256", typ: "at+jwt", kid: `made-up-${index}` }, {}, key),
      ),
    );
    for (const token of tokens)
      await expect(gateway.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
  };
  await attack();
  // The keys have been away since: had they been read again, there would be a new one.
  await world.prisma.signingKey.deleteMany();
  await attack();
  expect(await world.prisma.signingKey.count()).toBe(0);
  gateway.clock.forward(1_001);
  await attack();
  expect(await world.prisma.signingKey.count()).toBe(1);
});
