import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { requestRefusal, restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open();
});

afterAll(() => target.close());

const graphql = JSON.stringify({
  query: `mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1) { version } }`,
});
const rest = JSON.stringify({ data: { type: "stock-transaction", action: "increment", quantity: 1 } });
const restPath = "/v2/inventories/shirt/transactions";

const webSocket = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const preflight = ["Origin: https://studio.apollographql.com", "Access-Control-Request-Method: POST"];

/** Sends a good request but for its Host headers, and reads until the connection is closed. */
async function send(start: string, headers: readonly string[], body = ""): Promise<Answer> {
  const own = [`Authorization: Bearer ${target.token}`, "Content-Type: application/json"];
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${start} HTTP/1.1`, ...own, ...headers, ...length, "", body];
  return target.sendBytes(Buffer.from(lines.join("\r\n"), "latin1"));
}

const repeated = "The request has more than one Host header";
const names = [
  "",
  "  ",
  ":80",
  "a b",
  "a\tb",
  "a, b",
  "a/b",
  "a@b",
  "http://a",
  `a"<>`,
  "a:b",
  "a:80:80",
  "a%zz",
  "ä",
  "\u0080",
];
const addresses = ["[", "[]", "[a]", "[::1", "[:::1]", "[127.0.0.1]", "[::1]a", "[fe80::1%25eth0]"];
const cases: [string, string[], string][] = [
  ["no Host", [], "The request has no Host header"],
  ["two Hosts", ["Host: a", "Host: b"], repeated],
  ["the same Host twice", ["Host: a", "X-A: b", "hOST: a"], repeated],
  [
    "a second Host after two thousand other headers",
    ["Host: a", ...Array<string>(2_000).fill("x:"), "Host: b"],
    repeated,
  ],
  ...[...names, ...addresses].map((host): [string, string[], string] => [
    `the Host ${JSON.stringify(host)}`,
    [`Host: ${host}`],
    "The Host header can't be read",
  ]),
];

describe("B59: a request that may be meant for somebody else is 400, closed, and has no effect:", () => {
  test.each(cases)("%s", async (_name, headers, message) => {
    const inGraphql = requestRefusal(400, message, "BAD_USER_INPUT");
    const inRest = restRefusal(400);
    const answers = await target.withoutEffect(async () => [
      await send("POST /graphql", headers, graphql),
      await send("GET /graphql", [...webSocket, ...headers]),
      await send(`POST ${restPath}`, headers, rest),
      await send("POST /oauth/access_token", headers, "grant_type=implicit"),
      await send("GET /healthz", headers),
      await send("GET /healthz", [...webSocket, ...headers]),
      await send("GET /nowhere", headers),
      await send(`OPTIONS ${restPath}`, [...preflight, ...headers]),
    ]);
    expect(answers).toEqual([inGraphql, inGraphql, inRest, inRest, inRest, inRest, inRest, inRest]);
  });

  test("two Hosts in HTTP/1.0, which needs none", async () => {
    const get = (hostLines: string): string => `GET /healthz HTTP/1.0\r\n${hostLines}\r\n`;
    expect(await target.sendBytes(get("Host: a\r\nHost: a\r\n"))).toEqual(restRefusal(400));
    expect(await target.sendBytes(get(""))).toEqual({ status: 200, body: { status: "live" } });
  });
});

test.each(["a:80", "a:", "127.0.0.1:4000", "[::1]", "[::ffff:127.0.0.1]:4000", "a_b.example", "xn--4ca", "%C3%A4"])(
  "the Host %s is one",
  async (host) => {
    const answer = await send("GET /healthz", [`Host: ${host} `, "Connection: close"]);
    expect(answer).toEqual({ status: 200, body: { status: "live" } });
  },
);
