import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { ServiceUnavailableError } from "../../src/inventory/errors.ts";
import { UnauthenticatedError } from "../../src/access/principal.ts";
import { PrismaApiClientStorage } from "../../src/database/api-clients.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { createAccessWorld, createAdministrator, tokenOf } from "./support.ts";
import type { AccessWorld } from "./support.ts";

let world: AccessWorld;

beforeAll(async () => {
  world = await createAccessWorld();
});

afterAll(async () => await world.close());

describe("making clients", () => {
  test("gives a readable id and a secret of 256 bits, and stores only a salted hash of it", async () => {
    const { clients } = world.access();
    const first = await clients.create({ name: "Käse & Wein Frontend", scopes: ["inventory:read"], implicit: false });
    const second = await clients.create({ name: "Käse & Wein Frontend", scopes: ["inventory:read"], implicit: false });
    expect(first.client).toEqual({
      id: expect.stringMatching(/^ka-se-wein-frontend-[0-9a-z]{6}$/),
      name: "Käse & Wein Frontend",
      scopes: ["inventory:read"],
      implicit: false,
      createdAt: expect.any(Date),
      revokedAt: null,
    });
    expect(second.client.id).not.toBe(first.client.id);
    expect(Buffer.from(first.secret, "base64url")).toHaveLength(32);
    const row = await world.prisma.apiClient.findUniqueOrThrow({ where: { id: first.client.id } });
    expect(row.secretHash).toMatch(/^scrypt\$16384\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(JSON.stringify(row)).not.toContain(first.secret);
    expect(JSON.stringify(await clients.list())).not.toContain("scrypt");
  });

  test("refuses an id that is taken and leaves its client as it was", async () => {
    const { clients } = world.access();
    const { client, secret } = await clients.create({
      id: "taken",
      name: "Taken",
      scopes: ["inventory:read"],
      implicit: false,
    });
    const again = clients.create({ id: "taken", name: "Other", scopes: ["inventory:write"], implicit: true });
    await expect(again).rejects.toThrow("there is an API client with this id");
    expect(await clients.findBySecret("taken", secret)).toEqual(client);
  });

  test.each(["", " a", "a ", "a|b", "a\u0000", "a\nb", "\ud800", "\u200b", "x".repeat(256)])(
    "refuses the id %j",
    async (id) => {
      const { clients } = world.access();
      const made = clients.create({ id, name: "Name", scopes: ["inventory:read"], implicit: false });
      await expect(made).rejects.toThrow("id has to have 1 to 255 printable characters, none of them a |");
      expect(await clients.findBySecret(id, "secret")).toBeNull();
      expect(await clients.findActive(id)).toBeNull();
      expect(await clients.revoke(id)).toBe(false);
    },
  );

  test("refuses no scope, an unknown scope and a name with a line break", async () => {
    const { clients } = world.access();
    const made = (changed: object) =>
      clients.create({ name: "Name", scopes: ["inventory:read"], implicit: false, ...changed });
    await expect(made({ scopes: [] })).rejects.toThrow("scope has to be among inventory:read, inventory:write");
    await expect(made({ scopes: ["inventory:Write"] })).rejects.toThrow(
      "scope has to be among inventory:read, inventory:write",
    );
    await expect(made({ name: "a\nb" })).rejects.toThrow("name has to have 1 to 100 printable characters");
  });
});

describe("the first administrator's client", () => {
  test("is made once by ten gateways that start at once over two connection pools; only the winner learns the secret", async () => {
    const fresh = await createAccessWorld();
    const pools = [fresh.connect(), fresh.connect()];
    const gateways = Array.from({ length: 10 }, (_, index) => fresh.access({}, pools[index % 2]).clients);
    // None goes on before all have found that there is no client.
    let arrived = 0;
    let openGate = (): void => undefined;
    const gate = new Promise<void>((resolve) => (openGate = resolve));
    const keep = async (): Promise<void> => {
      arrived += 1;
      if (arrived === gateways.length) openGate();
      await gate;
    };
    const outcomes = await Promise.all(gateways.map((clients) => clients.createFirst(keep)));
    const made = outcomes.filter((created) => created !== null);
    expect(made).toHaveLength(1);
    const [winner] = made;
    expect(await fresh.access().clients.list()).toEqual([
      {
        id: "admin",
        name: "First administrator",
        scopes: ["inventory:read", "inventory:write"],
        implicit: false,
        createdAt: expect.any(Date),
        revokedAt: null,
      },
    ]);
    expect(await fresh.access().clients.findImplicit("admin")).toBeNull();
    expect(await fresh.access().clients.findBySecret("admin", winner?.secret ?? "")).toEqual(winner?.client);
    expect(await fresh.access().clients.createFirst(async () => undefined)).toBeNull();
    await fresh.close();
  });

  test("is not made when another gateway, whose insert this one could not see yet, makes it first", async () => {
    const fresh = await createAccessWorld();
    const record = { ...(await createAdministrator(world.access().clients)).client, id: "admin", secretHash: "scrypt" };
    const other = new Client({ connectionString: fresh.url });
    await other.connect();
    await other.query("BEGIN");
    await other.query(
      "INSERT INTO api_client (id, name, secret_hash, scopes, implicit, created_at) VALUES ('admin', 'Other', 'scrypt', '{}', false, now())",
    );
    const made = new PrismaApiClientStorage(fresh.prisma).createFirst(record);
    // In statements of their own: within a transaction PostgreSQL shows the activity as it first saw it.
    const onlooker = fresh.connect();
    let waiting = 0;
    while (waiting === 0) {
      const [row] = await onlooker.$queryRaw<{ waiting: number }[]>`
        SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      waiting = row?.waiting ?? 0;
    }
    await other.query("COMMIT");
    expect(await made).toBe(false);
    expect((await fresh.access().clients.list()).map(({ name }) => name)).toEqual(["Other"]);
    await other.end();
    await fresh.close();
  });

  test("is not made where there is another client, nor again after it was revoked", async () => {
    const fresh = await createAccessWorld();
    const { clients } = fresh.access();
    const { client } = await clients.create({ name: "Other", scopes: ["inventory:read"], implicit: false });
    expect(await clients.createFirst(async () => undefined)).toBeNull();
    await clients.revoke(client.id);
    expect(await clients.createFirst(async () => undefined)).toBeNull();
    expect((await clients.list()).map(({ id }) => id)).toEqual([client.id]);
    // The database says no by itself: another client may have come after the look.
    const { secretHash } = await fresh.prisma.apiClient.findUniqueOrThrow({ where: { id: client.id } });
    expect(await new PrismaApiClientStorage(fresh.prisma).createFirst({ ...client, id: "admin", secretHash })).toBe(
      false,
    );
    await fresh.close();
  });
});

describe("the client that the settings ask for", () => {
  test("is made, kept, given the new secret, and stays revoked once it was", async () => {
    const { clients } = world.access();
    expect(await clients.ensure("ops", "first secret")).toBe("created");
    expect(await clients.ensure("ops", "first secret")).toBe("unchanged");
    expect(await clients.findBySecret("ops", "first secret")).toMatchObject({
      id: "ops",
      scopes: ["inventory:read", "inventory:write"],
      implicit: false,
    });
    expect(await clients.ensure("ops", "second secret")).toBe("secret replaced");
    expect(await clients.findBySecret("ops", "first secret")).toBeNull();
    expect(await clients.findBySecret("ops", "second secret")).toMatchObject({ id: "ops" });
    await clients.revoke("ops");
    expect(await clients.ensure("ops", "second secret")).toBe("revoked");
    expect(await clients.findBySecret("ops", "second secret")).toBeNull();
  });

  test("is made once by ten gateways that start at once, and its secret works", async () => {
    const pools = [world.connect(), world.connect()];
    const gateways = Array.from({ length: 10 }, (_, index) => world.access({}, pools[index % 2]).clients);
    const outcomes = await Promise.all(gateways.map((clients) => clients.ensure("together", "secret")));
    expect(outcomes.toSorted()).toEqual(["created", ...Array.from({ length: 9 }, () => "unchanged")]);
    expect(await world.access().clients.findBySecret("together", "secret")).toMatchObject({ id: "together" });
  });
});

describe("B38: revoking", () => {
  test("ends the client's tokens at once on the gateway that does it, and its secret everywhere", async () => {
    const gateway = world.access();
    const administrator = await createAdministrator(gateway.clients);
    const token = await tokenOf(gateway, administrator);
    await gateway.access.authenticate(`Bearer ${token}`);
    expect(await gateway.clients.revoke(administrator.client.id)).toBe(true);
    expect(await gateway.clients.revoke(administrator.client.id)).toBe(false);
    await expect(gateway.access.authenticate(`Bearer ${token}`)).rejects.toThrow(UnauthenticatedError);
    await expect(tokenOf(world.access(), administrator)).rejects.toThrow("There is no such client");
  });

  test("is seen within a second by another gateway that has the token and the client cached", async () => {
    const [one, other] = [world.access(), world.access({}, world.connect())];
    const administrator = await createAdministrator(one.clients);
    const authorization = `Bearer ${await tokenOf(one, administrator)}`;
    other.clock.stop();
    await other.access.authenticate(authorization);
    await one.clients.revoke(administrator.client.id);
    other.clock.forward(999);
    await expect(other.access.authenticate(authorization)).rejects.toThrow(UnauthenticatedError);
  });

  test("is let in no longer where the clock is put back meanwhile", async () => {
    const gateway = world.access();
    const { client } = await createAdministrator(gateway.clients);
    gateway.clock.stop();
    expect(await gateway.clients.findActive(client.id)).toMatchObject({ id: client.id });
    await world.access().clients.revoke(client.id);
    gateway.clock.forward(-3_600_000);
    expect(await gateway.clients.findActive(client.id)).toBeNull();
  });

  test("an unrevoked client costs the database two reads a second, however often its token comes", async () => {
    const gateway = world.access();
    gateway.clock.stop();
    const administrator = await createAdministrator(gateway.clients);
    const authorization = `Bearer ${await tokenOf(gateway, administrator)}`;
    await gateway.access.authenticate(authorization);
    await world.prisma.apiClient.update({
      where: { id: administrator.client.id },
      data: { scopes: ["inventory:read"] },
    });
    const principals = await Promise.all(Array.from({ length: 100 }, () => gateway.access.authenticate(authorization)));
    expect(new Set(principals.map(({ scopes }) => scopes.size))).toEqual(new Set([2]));
    gateway.clock.forward(501);
    expect(await gateway.access.authenticate(authorization)).toEqual({
      clientId: administrator.client.id,
      scopes: new Set(["inventory:read"]),
    });
  });
});

test("nobody is let in on what was true before while the database is away", async () => {
  const prisma = createPrisma("postgresql://nobody@127.0.0.1:1/none", {
    poolSize: 1,
    name: "away",
    preparesStatements: false,
  });
  const { access, clients } = world.access({}, prisma);
  const there = world.access();
  const administrator = await createAdministrator(there.clients);
  const token = await tokenOf(there, administrator);
  await expect(access.authenticate(`Bearer ${token}`)).rejects.toThrow(ServiceUnavailableError);
  await expect(clients.findActive(administrator.client.id)).rejects.toThrow(ServiceUnavailableError);
  await expect(tokenOf({ ...there, access }, administrator)).rejects.toThrow(ServiceUnavailableError);
  await expect(access.prepare()).rejects.toThrow(ServiceUnavailableError);
  await prisma.$disconnect();
});
