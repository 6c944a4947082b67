import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { JWTHeaderParameters } from "jose";
import { createPrisma } from "../../src/database/prisma.ts";
import { forge, readSigningKey, strangersKey } from "../access/support.ts";
import { restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;
let own: Awaited<ReturnType<typeof readSigningKey>>;

beforeAll(async () => {
  target = await Target.open();
  const prisma = createPrisma(target.gateway.databaseUrl, { name: "test", poolSize: 1, preparesStatements: false });
  own = await readSigningKey(prisma);
  await prisma.$disconnect();
});

afterAll(() => target.close());

const now = (): number => Math.floor(Date.now() / 1_000);
const header = (): JWTHeaderParameters => ({ alg: "ES256", kid: own.kid, typ: "at+jwt" });

function claims(changed: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: "inventory-gateway",
    aud: "inventory-gateway",
    sub: target.gateway.clientId,
    client_id: target.gateway.clientId,
    scope: "inventory:read inventory:write",
    iat: now(),
    exp: now() + 600,
    ...changed,
  };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const query = `mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1) { version } }`;
const data = { type: "stock-transaction", action: "increment", quantity: 1 };

/** Tries to write over both transports with Authorization headers as they stand. */
async function tryToWrite(authorizations: readonly string[]): Promise<Answer[]> {
  const { hostname, port } = new URL(target.gateway.url);
  const common = ["host", `${hostname}:${port}`, "content-type", "application/json"];
  const headers = [...common, ...authorizations.flatMap((value) => ["authorization", value])];
  const send = async (path: string, body: object): Promise<Answer> => {
    const sent = request({ hostname, port, method: "POST", path, headers }).end(JSON.stringify(body));
    const [response] = await once(sent, "response");
    return { status: response.statusCode, body: await json(response) };
  };
  return [await send("/graphql", { query }), await send("/v2/inventories/shirt/transactions", { data })];
}

const message = "Unable to validate access token";
const unauthenticated = [
  { status: 401, body: { errors: [{ message, extensions: { code: "UNAUTHENTICATED", status: 401 } }] } },
  restRefusal(401),
];

/** What is answered to a write that must have no effect, over GraphQL and over REST. */
async function answersTo(...authorizations: string[]): Promise<Answer[]> {
  return target.withoutEffect(() => tryToWrite(authorizations));
}

test("made by hand with the gateway's own key is taken: the attacks below fail for what they change", async () => {
  const answers = await tryToWrite([`Bearer ${await forge(header(), claims(), own.key)}`]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
});

describe("B30: what is no bearer token is 401 over both transports and has no effect", () => {
  test.each([[[]], [["Basic YTpi"]], [["Bearer"]], [["Bearer  "]], [["Bearer x y"]], [["Bearer null"]], [[""]]])(
    "%j",
    async (values) => {
      expect(await answersTo(...values)).toEqual(unauthenticated);
    },
  );

  test("two Authorization headers, both or one of them good", async () => {
    const good = `Bearer ${target.token}`;
    expect(await answersTo(good, good)).toEqual(unauthenticated);
    expect(await answersTo(good, "Bearer x")).toEqual(unauthenticated);
    expect(await answersTo("Basic YTpi", good)).toEqual(unauthenticated);
  });

  test("a good token in the query string", async () => {
    const headers = { authorization: "" };
    const answers = await target.withoutEffect(async () => [
      await target.send(`/graphql?access_token=${target.token}`, { body: { query }, headers }),
      await target.send(`/v2/inventories/shirt/transactions?access_token=${target.token}`, { body: { data }, headers }),
    ]);
    expect(answers).toEqual(unauthenticated);
  });
});

describe("B31: another signature is 401 over both transports and has no effect", () => {
  test.each(["none", "nOnE", "NONE"])("alg %s", async (alg) => {
    for (const signature of ["", "x", target.token.split(".")[2] ?? ""])
      expect(await answersTo(`Bearer ${encode({ ...header(), alg })}.${encode(claims())}.${signature}`)).toEqual(
        unauthenticated,
      );
  });

  test("HS256 with the public key as the secret", async () => {
    const { x = "", y = "" } = own.publicJwk;
    const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    for (const secret of [
      key.export({ type: "spki", format: "pem" }),
      key.export({ type: "spki", format: "der" }),
      JSON.stringify(own.publicJwk),
    ])
      expect(
        await answersTo(
          `Bearer ${await forge({ ...header(), alg: "HS256" }, claims(), new TextEncoder().encode(String(secret)))}`,
        ),
      ).toEqual(unauthenticated);
  });

  test("another key under the same kid, an embedded jwk, an unknown crit", async () => {
    const stranger = await strangersKey();
    expect(await answersTo(`Bearer ${await forge(header(), claims(), stranger.key)}`)).toEqual(unauthenticated);
    expect(
      await answersTo(`Bearer ${await forge({ ...header(), jwk: stranger.publicJwk }, claims(), stranger.key)}`),
    ).toEqual(unauthenticated);
    expect(
      await answersTo(
        `Bearer ${await forge({ ...header(), crit: ["x-unknown"], "x-unknown": true }, claims(), own.key)}`,
      ),
    ).toEqual(unauthenticated);
  });
});

test("B32: jku, x5u and a kid that is an address are never fetched: 401, and no effect", async () => {
  const stranger = await strangersKey();
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(JSON.stringify({ keys: [{ ...stranger.publicJwk, kid: "theirs", alg: "ES256" }] }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  for (const head of [
    { ...header(), jku: url },
    { ...header(), x5u: url },
    { ...header(), kid: url },
    { ...header(), kid: "../../../../dev/null" },
    { ...header(), kid: "' OR 1=1--" },
  ])
    expect(await answersTo(`Bearer ${await forge(head, claims(), stranger.key)}`)).toEqual(unauthenticated);
  expect(asked).toBe(0);
  server.close();
});

describe("B33, B34: claims other than asked for, rightly signed, are 401 over both transports and have no effect", () => {
  test.each<[string, () => Record<string, unknown>]>([
    ["no exp", () => ({ exp: undefined })],
    ["exp as text", () => ({ exp: "tomorrow" })],
    ["expired", () => ({ iat: now() - 700, exp: now() - 60 })],
    ["not yet valid", () => ({ nbf: now() + 60 })],
    ["issued in the future", () => ({ iat: now() + 60 })],
    ["exp in the year 9999", () => ({ exp: 253_370_764_800 })],
    ["no iat", () => ({ iat: undefined })],
    ["no audience", () => ({ aud: undefined })],
    ["another audience", () => ({ aud: "shop" })],
    ["no issuer", () => ({ iss: undefined })],
    ["another issuer", () => ({ iss: "https://id.example" })],
    ["another subject than client", () => ({ sub: "another" })],
    ["a client that is not there", () => ({ sub: "nobody", client_id: "nobody" })],
  ])("%s", async (_name, changed) => {
    expect(await answersTo(`Bearer ${await forge(header(), claims(changed()), own.key)}`)).toEqual(unauthenticated);
  });
});

describe("B35: a token of another form is 401 or 431 and has no effect", () => {
  test("signature stripped, padded, four parts, another payload", async () => {
    const [head = "", payload = "", signature = ""] = (await forge(header(), claims(), own.key)).split(".");
    const another = encode(claims({ scope: "inventory:read inventory:write admin" }));
    for (const token of [
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `${head}.${payload}.${signature}==`,
      `${head}.${payload}.${signature}.x`,
      `${head}.${another}.${signature}`,
      `${encode({ ...header(), typ: "JWT" })}.${payload}.${signature}`,
    ])
      expect(await answersTo(`Bearer ${token}`)).toEqual(unauthenticated);
  });

  test("a megabyte is answered before it has all arrived", async () => {
    const head = `POST /v2/inventories/shirt HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${"a".repeat(16_000)}`;
    const answer = await target.withoutEffect(() => target.sendBytes(`${head}${"a".repeat(400)}`));
    expect(answer).toEqual(restRefusal(431, "The request can't be read as HTTP"));
  });

  test("12 KB are looked at no further", async () => {
    expect(await answersTo(`Bearer a.${"b".repeat(12_000)}.c`)).toEqual(unauthenticated);
  });
});

describe("403, over both transports and without effect, to", () => {
  const text = "The access token lacks the scope inventory:write";
  const extensions = { code: "FORBIDDEN", status: 403, scope: "inventory:write" };
  const place = { locations: [{ line: 1, column: 12 }], path: ["createStockTransaction"] };
  const forbidden = [
    { status: 200, body: { data: null, errors: [{ message: text, ...place, extensions }] } },
    restRefusal(403, text),
  ];

  test.each<[string, unknown]>([
    ["no scope", undefined],
    ["an array of arrays", [["inventory:write"]]],
    ["an array", ["inventory:write"]],
    ["another case", "Inventory:Write"],
    ["a space at the end", "inventory:write "],
    ["a comma in between", "inventory:read,inventory:write"],
    ["a longer name", "inventory:writes"],
  ])("B36: %s", async (_name, scope) => {
    expect(await answersTo(`Bearer ${await forge(header(), claims({ scope }), own.key)}`)).toEqual(forbidden);
  });

  test("B37: a shopper's token of the implicit grant", async () => {
    const clientId = await target.gateway.addImplicitClient();
    const body = new URLSearchParams({ grant_type: "implicit", client_id: clientId });
    const response = await fetch(`${target.gateway.url}/oauth/access_token`, { method: "POST", body });
    expect(await answersTo(`Bearer ${((await response.json()) as { access_token: string }).access_token}`)).toEqual(
      forbidden,
    );
  });
});

test("B38: the token of a revoked client is 401 over both transports, and has no effect", async () => {
  const { clients } = target.gateway.gateway;
  const { client, secret } = await clients.create({ name: "Revoked", scopes: ["inventory:write"], implicit: false });
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: client.id, client_secret: secret });
  const response = await fetch(`${target.gateway.url}/oauth/access_token`, { method: "POST", body });
  const authorization = `Bearer ${((await response.json()) as { access_token: string }).access_token}`;
  expect((await tryToWrite([authorization])).map(({ status }) => status)).toEqual([200, 200]);
  await clients.revoke(client.id);
  expect(await answersTo(authorization)).toEqual(unauthenticated);
});
