import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { decodeJwt, importJWK, SignJWT } from "jose";
import type { JWK } from "jose";
import { auditLedger } from "../support/ledger-audit.ts";
import { Shop } from "../support/shop.ts";
import { eventually, lockStock, Premises, query, requestToken } from "./support.ts";

const hourMs = 3_600_000;
const secret = "clock-secret-0123456789";
const premises = new Premises();
let databaseUrl: string;
let gatewayUrl: string;
let clockFile: string;
let shop: Shop;

beforeAll(async () => {
  const dataDir = await premises.createFolder();
  databaseUrl = await premises.createDatabase();
  clockFile = join(dataDir, "clock");
  await writeFile(clockFile, "0");
  const run = premises.start({
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDir,
    UNSAFE_DATABASE: "allow",
    LOG_LEVEL: "warn",
    ADMIN_CLIENT_ID: "clock",
    ADMIN_CLIENT_SECRET: secret,
    NODE_OPTIONS: `--import=${new URL("../support/moved-clock.mjs", import.meta.url).href}`,
    CLOCK_FILE: clockFile,
  });
  gatewayUrl = await run.serving();
  shop = new Shop(gatewayUrl, (await requestToken(gatewayUrl, "clock", secret)).token);
});

afterAll(() => premises.clear());

/** Puts the gateway's clock so many hours ahead of the database's. */
async function putClock(hours: number): Promise<void> {
  await writeFile(clockFile, String(hours * hourMs));
}

/** A token of the gateway's own that ended ten minutes ago. */
async function expiredToken(): Promise<string> {
  const [key] = await query(databaseUrl, "SELECT id, private_jwk FROM signing_key");
  const issuedAt = Math.floor(Date.now() / 1_000) - 4_200;
  return new SignJWT({ client_id: "clock", scope: "inventory:read" })
    .setProtectedHeader({ alg: "ES256", kid: String(key?.["id"]), typ: "at+jwt" })
    .setIssuer("inventory-gateway")
    .setAudience("inventory-gateway")
    .setSubject("clock")
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + 3_600)
    .sign(await importJWK(key?.["private_jwk"] as JWK, "ES256"));
}

test("a clock that is put forward and back neither ends a token early nor lets one live longer, and keeps the ledger's order", async () => {
  const old = new Shop(gatewayUrl, await expiredToken());
  let version = 0;
  for (const hours of [2, -2, 30, -30, 0]) {
    await putClock(hours);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => shop.move({ productId: "clock", action: "INCREMENT", quantity: 1 })),
    );
    expect(answers.map(({ moved }) => moved?.version).toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 20 }, (_, index) => version + index + 1),
    );
    version += 20;
    expect((await old.graphql("{ __typename }", {})).status).toBe(401);
    const { token } = await requestToken(gatewayUrl, "clock", secret);
    expect(Math.abs((decodeJwt(token).exp ?? 0) - Date.now() / 1_000 - 3_600)).toBeLessThan(10);
    expect(await new Shop(gatewayUrl, token).levels("clock")).toMatchObject({ version });
  }
  expect(await auditLedger(databaseUrl)).toEqual([]);
});

test("a clock that is put forward turns nobody away who waits", async () => {
  await shop.move({ productId: "waits", action: "INCREMENT", quantity: 1 });
  const lock = await lockStock(databaseUrl, "waits");
  const moves = [1, 2].map((quantity) => shop.move({ productId: "waits", action: "INCREMENT", quantity }));
  await eventually("a gateway that waits", async () => {
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    return (await query(databaseUrl, waiting)).length > 0;
  });
  await putClock(5);
  await lock.release();
  expect((await Promise.all(moves)).map(({ httpStatus }) => httpStatus)).toEqual([200, 200]);
  await putClock(0);
});

test("a client that is revoked is let in no longer because the clock was put back", async () => {
  const { token } = await requestToken(gatewayUrl, "clock", secret);
  const other = new Shop(gatewayUrl, token);
  expect((await other.graphql("{ __typename }", {})).status).toBe(200);
  await putClock(-3);
  await query(databaseUrl, "UPDATE api_client SET revoked_at = now() WHERE id = 'clock'");
  await eventually("the end of its tokens", async () => (await other.graphql("{ __typename }", {})).status === 401);
  await putClock(0);
});
