import { afterEach, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";

let gateway: TestGateway;

afterEach(() => gateway.close());

interface Answer {
  readonly status: number;
  readonly retryAfter: number | null;
  readonly body: unknown;
}

interface Caller {
  graphql(query: string, variables?: object): Promise<Answer>;
  rest(method: string, path: string, body?: object): Promise<Answer>;
}

async function open(options: TestGatewayOptions): Promise<Caller> {
  gateway = await startTestGateway(options);
  return caller(gateway.url, await gateway.token());
}

function caller(url: string, token: string): Caller {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const send = async (method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const after = response.headers.get("retry-after");
    return { status: response.status, retryAfter: after === null ? null : Number(after), body: await response.json() };
  };
  return {
    graphql: (query, variables = {}) => send("POST", "/graphql", { query, variables }),
    rest: send,
  };
}

/** The whole answer over GraphQL to a client that owes what it gains in some seconds. */
function graphqlRefusal(retryAfter: number, message = "Too many requests from this client"): object {
  const extensions = { code: "RATE_LIMITED", status: 429, outcome: "not applied", retryAfterSeconds: retryAfter };
  return { status: 429, retryAfter, body: { errors: [{ message, extensions }] } };
}

function restRefusal(retryAfter: number, detail = "Too many requests from this client"): object {
  return { status: 429, retryAfter, body: { errors: [{ status: 429, title: "Too Many Requests", detail }] } };
}

const line = { productId: "a", action: "INCREMENT", quantity: 1 };
const lines = (count: number): object => ({ lines: Array.from({ length: count }, () => line) });
const batch = `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { index } }`;
const mutation = `createStockTransaction(productId: "a", action: INCREMENT, quantity: 1) { version }`;

describe("what a client may send of one kind before it is refused", () => {
  const ids = Array.from({ length: 4 }, (_, index) => ({ id: `product-${index}` }));

  // It has saved 10, and gains less than one request in the time that this takes.
  test.each<[number, string, (client: Caller) => Promise<Answer>]>([
    [1, "batches of 20", (client) => client.graphql(batch, lines(20))],
    [3, "pages of 4", (client) => client.graphql(`{ stocks(first: 4) { nodes { productId } } }`)],
    [3, "pages of 4 over REST", (client) => client.rest("GET", "/v2/inventories?page[limit]=4")],
    [3, "times 4 products over REST", (client) => client.rest("POST", "/v2/inventories/multiple", { data: ids })],
  ])("%i %s", async (accepted, _what, send) => {
    const client = await open({ rateLimits: { perClient: 1, perAddress: 0 } });
    const statuses: number[] = [];
    while (!statuses.includes(429)) statuses.push((await send(client)).status);
    expect(statuses).toEqual([...Array.from({ length: accepted }, () => 200), 429]);
  });
});

test("a client that owes is refused over both transports with the seconds to wait, nothing is applied, and others are served", async () => {
  const client = await open({ rateLimits: { perClient: 1, perAddress: 0 } });
  expect((await client.graphql(batch, lines(1_000))).status).toBe(200);
  const overGraphql = await client.graphql(`mutation { ${mutation} }`);
  const seconds = overGraphql.retryAfter ?? 0;
  // 990 were left to pay off, and some time has passed.
  expect(seconds).toBeGreaterThan(900);
  expect(seconds).toBeLessThanOrEqual(990);
  expect(overGraphql).toEqual(graphqlRefusal(seconds));
  const overRest = await client.rest("POST", "/v2/inventories/b", { data: { quantity: 1 } });
  expect(overRest).toEqual(restRefusal(overRest.retryAfter ?? 0));
  const other = caller(gateway.url, await gateway.token(["inventory:read"]));
  const levels = `{ a: stock(productId: "a") { version } b: stock(productId: "b") { version } }`;
  expect((await other.graphql(levels)).body).toEqual({ data: { a: { version: 1_000 }, b: null } });
});

describe("an address", () => {
  const rateLimits = { perClient: 0, perAddress: 1 };
  const message = "Too many requests from this address";
  const exhaust = async (headers: Record<string, string> = {}): Promise<Response[]> =>
    Promise.all(Array.from({ length: 16 }, () => fetch(`${gateway.url}/v2/inventories`, { headers })));
  /** Each second that passes lets one request in. */
  const untilRefused = async (send: () => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      const answer = await send();
      if (answer.status === 429) return answer;
    }
  };

  test("that sends too much is refused before its token is looked at, but may still ask whether the gateway is there", async () => {
    const client = await open({ rateLimits });
    const statuses = (await exhaust()).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(await untilRefused(() => client.graphql(`mutation { ${mutation} }`))).toEqual(graphqlRefusal(1, message));
    expect(await untilRefused(() => client.rest("GET", "/v2/inventories"))).toEqual(restRefusal(1, message));
    expect(await untilRefused(() => client.rest("GET", "/graphql/nowhere"))).toEqual(graphqlRefusal(1, message));
    expect(await untilRefused(() => client.rest("GET", "/nowhere"))).toEqual(restRefusal(1, message));
    for (const path of ["/healthz", "/readyz"]) expect((await client.rest("GET", path)).status).toBe(200);
  });

  test("is that of the connection: X-Forwarded-For is anybody's to write (B41)", async () => {
    await open({ rateLimits });
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        fetch(`${gateway.url}/v2/inventories`, { headers: { "x-forwarded-for": `192.0.2.${index}` } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toContain(429);
  });

  test("is what a trusted proxy says, by the last entry that is not a trusted one's own", async () => {
    await open({ rateLimits, trustedProxies: ["127.0.0.1", "10.0.0.0/8"] });
    const send = async (forwardedFor: string): Promise<number> =>
      (await fetch(`${gateway.url}/v2/inventories`, { headers: { "x-forwarded-for": forwardedFor } })).status;
    let sent = 0;
    const refusalOfOther = async (): Promise<number> => {
      while ((await send(`203.0.113.${(sent += 1) % 256}, 192.0.2.1, 10.1.2.3`)) !== 429);
      return send("192.0.2.1");
    };
    // A second that passes in between lets one in: of so few tries none would be refused for its own sake.
    expect([await refusalOfOther(), await refusalOfOther(), await refusalOfOther()]).toContain(429);
    expect(await send("192.0.2.2")).toBe(401);
  });
});

describe("strict transport security", () => {
  const policyOf = async (): Promise<string | null> =>
    (await fetch(`${gateway.url}/healthz`, { headers: { "x-forwarded-proto": "https" } })).headers.get(
      "strict-transport-security",
    );

  test("is asked for behind a trusted proxy that has spoken TLS", async () => {
    await open({ trustedProxies: ["127.0.0.1"] });
    expect(await policyOf()).toBe("max-age=31536000");
    expect((await fetch(`${gateway.url}/healthz`)).headers.get("strict-transport-security")).toBeNull();
  });

  test("is not asked for because a stranger says https", async () => {
    await open({});
    expect(await policyOf()).toBeNull();
  });
});
