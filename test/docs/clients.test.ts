import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createPrisma } from "../../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../../src/database/inventory-storage.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { authorizedFetch, requestToken } from "../../docs/examples/clients/access-token.ts";
import * as apolloClient from "../../docs/examples/clients/apollo-client.ts";
import { StockAction, StockErrorCode } from "../../docs/examples/clients/generated/operations.ts";
import * as graphqlRequest from "../../docs/examples/clients/graphql-request.ts";
import { createClient, moveStocks } from "../../docs/examples/clients/graphql-request.ts";
import { newIntent } from "../../docs/examples/clients/intent.ts";
import type { Intent, Outcome } from "../../docs/examples/clients/intent.ts";
import { setAside } from "../../docs/examples/clients/program.ts";
import * as urql from "../../docs/examples/clients/urql.ts";
import { lockStock } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const docs = join(packageRoot, "docs");
const examples = join(docs, "examples/clients");

/** What the examples have in common. */
interface Example<Client> {
  createClient(url: string, fetch: typeof globalThis.fetch): Client;
  readStock(client: Client, productId: string): Promise<object | null>;
  moveStock(client: Client, intent: Intent): Promise<Outcome>;
}

/** A program that uses one of them. */
interface Program {
  read(productId: string): Promise<object | null>;
  move(intent: Intent): Promise<Outcome>;
}

type Start = (url: string, fetch: typeof globalThis.fetch) => Program;

function programOf<Client>(example: Example<Client>): Start {
  return (url, fetch) => {
    const client = example.createClient(url, fetch);
    return {
      read: (productId) => example.readStock(client, productId),
      move: (intent) => example.moveStock(client, intent),
    };
  };
}

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway();
});

afterAll(() => gateway.close());

/** The bodies that were sent, and a fetch that notes them. */
function noted(fetch: typeof globalThis.fetch): { readonly sent: string[]; readonly fetch: typeof globalThis.fetch } {
  const sent: string[] = [];
  return {
    sent,
    fetch: (input, init) => {
      sent.push(typeof init?.body === "string" ? init.body : "");
      return fetch(input, init);
    },
  };
}

function tokenOf({ url, clientId, clientSecret }: TestGateway): () => Promise<string | null> {
  return () => requestToken(url, clientId, clientSecret);
}

describe.each<[string, Start]>([
  ["Apollo Client", programOf(apolloClient)],
  ["urql", programOf(urql)],
  ["graphql-request", programOf(graphqlRequest)],
])("the example with %s", (name, start) => {
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const product = (what: string): string => `${name} ${what}`;
  const receive = (productId: string, quantity: number): Intent =>
    newIntent({ productId, action: StockAction.Increment, quantity });
  const done = (version: number, available: number): object => ({
    transaction: expect.objectContaining({ version, availableAfter: available, allocatedAfter: 0 }),
    refusal: null,
  });
  const levels = (productId: string, available: number, version: number): object =>
    expect.objectContaining({ productId, available, allocated: 0, version });

  test("does what is meant, and reads it", async () => {
    const program = start(gateway.url, authorizedFetch(tokenOf(gateway)));
    expect(await program.read(product("hat"))).toBeNull();
    expect(await program.move(receive(product("hat"), 3))).toEqual(done(1, 3));
    expect(await program.move(receive(product("hat"), 4))).toEqual(done(2, 7));
    expect(await start(gateway.url, authorizedFetch(tokenOf(gateway))).read(product("hat"))).toEqual(
      levels(product("hat"), 7, 2),
    );
  });

  test("reads a refusal as StockError has it, and sends it once", async () => {
    const { sent, fetch } = noted(authorizedFetch(tokenOf(gateway)));
    const program = start(gateway.url, fetch);
    await program.move(receive(product("shirt"), 1));
    const intent = newIntent({ productId: product("shirt"), action: StockAction.Allocate, quantity: 2 });
    expect(await program.move(intent)).toEqual({
      transaction: null,
      refusal: {
        code: StockErrorCode.InsufficientStock,
        status: 422,
        title: "Cannot complete request",
        detail: "Your request could not be completed due to insufficient stock levels",
        productId: product("shirt"),
        action: StockAction.Allocate,
        requested: 2,
        available: 1,
        allocated: 0,
        version: 1,
        replayed: false,
      },
    });
    expect(sent).toHaveLength(2);
  });

  test("sends an intent whose answer was lost again with its key, and it is done once", async () => {
    const target = new URL(gateway.url);
    const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
    cleanups.push(() => proxy.close());
    const { sent, fetch } = noted(authorizedFetch(tokenOf(gateway)));
    const program = start(`http://127.0.0.1:${proxy.port}`, fetch);
    const cut = proxy.dropAnswerTo("createStockTransaction");
    const outcome = program.move(receive(product("lost"), 5));
    await cut;
    expect(await outcome).toEqual(done(1, 5));
    expect(sent).toEqual([sent[0], sent[0]]);
    expect(await program.read(product("lost"))).toEqual(levels(product("lost"), 5, 1));
  });

  test("waits as long as the gateway says where there were too many requests, and then it is done", async () => {
    const slow = await startTestGateway({ rateLimits: { perClient: 1, perAddress: 0 } });
    cleanups.push(() => slow.close());
    const { sent, fetch } = noted(authorizedFetch(tokenOf(slow)));
    const program = start(slow.url, fetch);
    const outcomes = await Promise.all(Array.from({ length: 13 }, () => program.move(receive("rush", 1))));
    expect(outcomes.every(({ refusal }) => refusal === null)).toBe(true);
    expect(sent.length).toBeGreaterThan(13);
    expect(slow.log.some((line) => line.includes('"code":"RATE_LIMITED"'))).toBe(true);
  });

  test("sends again, with its key, what the gateway had no time for, and then it is done", async () => {
    const prisma = createPrisma(gateway.databaseUrl, { poolSize: 2, name: "test", preparesStatements: true });
    const settler = new GroupCommit(new PrismaInventoryStorage(prisma), { deadlineMs: 3_000 });
    const busy = await startTestGateway({ databaseUrl: gateway.databaseUrl, settler });
    cleanups.push(
      () => busy.close(),
      () => settler.close(),
      () => prisma.$disconnect(),
    );
    await start(gateway.url, authorizedFetch(tokenOf(gateway))).move(receive(product("busy"), 1));
    const lock = await lockStock(gateway.databaseUrl, product("busy"));
    const authorized = authorizedFetch(tokenOf(busy));
    const answers: string[] = [];
    const program = start(busy.url, async (input, init) => {
      const response = await authorized(input, init);
      answers.push(await response.clone().text());
      await lock.release();
      return response;
    });
    expect(await program.move(receive(product("busy"), 1))).toEqual(done(2, 2));
    expect(answers).toEqual([
      expect.stringContaining('"code":"SERVICE_UNAVAILABLE","status":503,"outcome":"not applied"'),
      expect.stringContaining('"version":2'),
    ]);
  });

  test("is not stopped by a token that has run out, and asks for one new token for all that is under way", async () => {
    const tokens = ["run.out.already"];
    const asked: (string | null)[] = [];
    const fetch = authorizedFetch(async () => {
      asked.push(tokens.shift() ?? (await gateway.token()));
      return asked.at(-1) ?? null;
    });
    const program = start(gateway.url, fetch);
    const outcomes = await Promise.all([1, 2, 3].map((n) => program.move(receive(product(`token ${n}`), n))));
    expect(outcomes).toEqual([1, 2, 3].map((n) => done(1, n)));
    expect(asked).toHaveLength(2);
  });

  test("throws at once what sending again would not change: a wrong secret, a malformed value, a scope that lacks", async () => {
    const stranger = noted(authorizedFetch(() => requestToken(gateway.url, gateway.clientId, "wrong")));
    await expect(start(gateway.url, stranger.fetch).move(receive("x", 1))).rejects.toThrow(/access token|401/);
    const reader = await gateway.token(["inventory:read"]);
    const forbidden = noted(authorizedFetch(async () => reader));
    await expect(start(gateway.url, forbidden.fetch).move(receive("x", 1))).rejects.toThrow("lacks the scope");
    const malformed = noted(authorizedFetch(tokenOf(gateway)));
    await expect(start(gateway.url, malformed.fetch).move(receive("x", 0))).rejects.toThrow("quantity");
    for (const { sent } of [stranger, forbidden, malformed]) expect(sent).toHaveLength(1);
  });
});

test("a batch's lines come with their refusals as data", async () => {
  const client = createClient(gateway.url, authorizedFetch(tokenOf(gateway)));
  const lines = [
    newIntent({ productId: "batch", action: StockAction.Increment, quantity: 2 }),
    newIntent({ productId: "batch", action: StockAction.Decrement, quantity: 3 }),
  ];
  const first = await moveStocks(client, lines, "EACH");
  expect(first).toEqual([
    { index: 0, transaction: expect.objectContaining({ version: 1, availableAfter: 2 }), error: null },
    {
      index: 1,
      transaction: null,
      error: expect.objectContaining({ code: StockErrorCode.InsufficientStock, requested: 3, available: 2 }),
    },
  ]);
  expect(await moveStocks(client, lines, "EACH")).toEqual(first);
});

test("the program says what is missing, and what it has done once there is enough", async () => {
  const { url, clientId, clientSecret } = gateway;
  const program = programOf(apolloClient)(url, authorizedFetch(tokenOf(gateway)));
  expect(await setAside(url, clientId, clientSecret)).toBe("The product has no stock");
  await program.move(newIntent({ productId: "shirt-m", action: StockAction.Increment, quantity: 1 }));
  expect(await setAside(url, clientId, clientSecret)).toBe("There are 1, not 2");
  await program.move(newIntent({ productId: "shirt-m", action: StockAction.Increment, quantity: 4 }));
  expect(await setAside(url, clientId, clientSecret)).toBe("Two are set aside, 3 are left");
});

test("codegen makes of what the gateway says of itself the types that the examples use", async () => {
  const folder = await mkdtemp(join(tmpdir(), "codegen-"));
  try {
    await symlink(join(packageRoot, "node_modules"), join(folder, "node_modules"));
    await cp(join(examples, "operations.graphql"), join(folder, "operations.graphql"));
    const config = await readFile(join(examples, "codegen.yml"), "utf8");
    await writeFile(join(folder, "codegen.yml"), config.replace("http://127.0.0.1:4000", gateway.url));
    await promisify(execFile)(join(packageRoot, "node_modules/.bin/graphql-codegen"), ["--config", "codegen.yml"], {
      cwd: folder,
      env: { ...process.env, TOKEN: await gateway.token() },
    });
    expect(await readFile(join(folder, "generated/operations.ts"), "utf8")).toBe(
      await readFile(join(examples, "generated/operations.ts"), "utf8"),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("docs/clients.md shows the examples as they are", async () => {
  const text = await readFile(join(docs, "clients.md"), "utf8");
  for (const file of [
    "codegen.yml",
    "operations.graphql",
    "access-token.ts",
    "intent.ts",
    "apollo-client.ts",
    "urql.ts",
    "graphql-request.ts",
    "program.ts",
  ])
    expect(text).toContain(`\n${await readFile(join(examples, file), "utf8")}\`\`\``);
});
