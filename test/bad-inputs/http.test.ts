import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { requestRefusal, restRefusal, Target } from "./support.ts";
import type { Answer } from "./support.ts";

let target: Target;

beforeAll(async () => {
  target = await Target.open();
});

afterAll(() => target.close());

const query = `mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 1) { version } }`;
const rest = JSON.stringify({ data: { type: "stock-transaction", action: "increment", quantity: 1 } });
const graphql = JSON.stringify({ query });
const csrf = "This operation has been blocked as a potential Cross-Site Request Forgery (CSRF)";
const restPath = "/v2/inventories/shirt/transactions";

/** Sends a good write over both transports with other headers, or another body made of the good one. */
async function sendBoth(
  headers: Record<string, string>,
  change: (body: string) => string | Buffer = (body) => body,
): Promise<Answer[]> {
  return target.withoutEffect(async () => [
    await target.send("/graphql", { body: change(graphql), headers }),
    await target.send(restPath, { body: change(rest), headers }),
  ]);
}

describe("B55: another kind of request has no effect:", () => {
  test("text/plain is blocked as what a stranger's page could send, and 415 over REST", async () => {
    expect(await sendBoth({ "content-type": "text/plain" })).toEqual([
      requestRefusal(400, expect.stringContaining(csrf), "BAD_USER_INPUT"),
      restRefusal(415, "The body has to be application/json"),
    ]);
  });

  test.each(["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json-patch+json"])(
    "%s is 415",
    async (type) => {
      expect(await sendBoth({ "content-type": type })).toEqual([
        requestRefusal(415, expect.stringContaining("Unsupported Media Type"), "UNSUPPORTED_MEDIA_TYPE"),
        restRefusal(415, "The body has to be application/json"),
      ]);
    },
  );

  test("a GET mutation is 405, a GET without a preflight header 400", async () => {
    const path = `/graphql?query=${encodeURIComponent(query)}`;
    const read = `/graphql?query=${encodeURIComponent("{ stocks { totalCount } }")}`;
    const [mutation, simple] = await target.withoutEffect(async () => [
      await target.send(path, { method: "GET", headers: { "apollo-require-preflight": "1" } }),
      await target.get(read),
    ]);
    expect(mutation).toEqual(
      requestRefusal(405, "GET requests only support query operations, not mutation operations", "METHOD_NOT_ALLOWED"),
    );
    expect(simple).toEqual(requestRefusal(400, expect.stringContaining(csrf), "BAD_USER_INPUT"));
  });

  test("PUT is 405 over both", async () => {
    const answers = await target.withoutEffect(async () => [
      await target.send("/graphql", { method: "PUT", body: graphql }),
      await target.send(restPath, { method: "PUT", body: rest }),
    ]);
    const detail = "The path takes GET, HEAD, POST";
    expect(answers).toEqual([
      requestRefusal(405, "Use GET or POST", "METHOD_NOT_ALLOWED"),
      { status: 405, body: { errors: [{ status: 405, title: "Method Not Allowed", detail }] } },
    ]);
  });
});

describe("B56: what is too large or in another encoding has no effect:", () => {
  test("a body of 1 MiB + 1 is 413", async () => {
    expect(await sendBoth({}, (body) => body.padEnd(1_048_577))).toEqual([
      requestRefusal(413, "Request body is too large", "PAYLOAD_TOO_LARGE"),
      restRefusal(413, "The body is too large"),
    ]);
  });

  test("a header of 20 KB and a URL of 20 KB are 431", async () => {
    const long = "x".repeat(20_000);
    const requests = [
      `POST ${restPath} HTTP/1.1\r\nHost: a\r\nX-Long: ${long}\r\n\r\n`,
      `POST ${restPath}?${long} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ];
    for (const bytes of requests)
      expect(await target.withoutEffect(() => target.sendBytes(bytes))).toEqual(
        restRefusal(431, "The request can't be read as HTTP"),
      );
  });

  test("gzip, well made, broken or a bomb, is 415", async () => {
    for (const bytes of [gzipSync(rest), Buffer.from("no gzip"), gzipSync(Buffer.alloc(50_000_000))])
      expect(await sendBoth({ "content-encoding": "gzip" }, () => bytes)).toEqual([
        requestRefusal(415, "The content encoding gzip is not supported", "UNSUPPORTED_MEDIA_TYPE"),
        restRefusal(415, "The body must not be compressed"),
      ]);
  });

  test.each(["utf-7", "utf-16", "iso-8859-1"])("%s is 415", async (charset) => {
    expect(await sendBoth({ "content-type": `application/json; charset=${charset}` })).toEqual([
      requestRefusal(415, `The charset ${charset} is not supported`, "UNSUPPORTED_MEDIA_TYPE"),
      restRefusal(415, "The body has to be in UTF-8"),
    ]);
  });
});

describe("B57: 400 with a JSON body in the transport's shape, and no effect, for", () => {
  test.each<[string, string, string]>([
    ["", "Body cannot be empty when content-type is set to 'application/json'", "The body has to be a JSON object"],
    [
      "null",
      "POST body missing, invalid Content-Type, or JSON object has no keys.",
      "The body has to be a JSON object",
    ],
    [
      `"text"`,
      "POST body missing, invalid Content-Type, or JSON object has no keys.",
      "The body has to be a JSON object",
    ],
    ["{", "Invalid JSON in the body", "The body is not JSON"],
  ])("%j", async (body, message, detail) => {
    expect(await sendBoth({}, () => body)).toEqual([
      requestRefusal(400, message, "BAD_USER_INPUT"),
      restRefusal(400, detail),
    ]);
  });
});

test.each([`"__proto__":{"polluted":1}`, `"constructor":{"prototype":{"polluted":1}}`])(
  "B58: %s in a body or in variables is refused, pollutes nothing and has no effect",
  async (extra) => {
    const document = `query ($filter: StockFilter) { stocks(filter: $filter) { totalCount } }`;
    const answers = await target.withoutEffect(async () => [
      await target.send("/graphql", {
        body: `{"query":${JSON.stringify(document)},"variables":{"filter":{${extra}}}}`,
      }),
      await target.send(restPath, { body: rest.replace("{", `{${extra},`) }),
      await target.send(restPath, { body: rest.replace(`{"data":{`, `{"data":{${extra},`) }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  },
);

const head = (path: string, { token } = target): string =>
  `POST ${path} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json`;

describe("B59: a request that two readers could read differently is 400, closed, and has no effect:", () => {
  const unreadable = (path: string): Answer =>
    path === "/graphql"
      ? requestRefusal(400, "Bad Request", "BAD_USER_INPUT")
      : restRefusal(400, "The request can't be read as HTTP");

  const cases: [string, (path: string, body: string) => string][] = [
    [
      "Content-Length and Transfer-Encoding",
      (path, body) =>
        `${head(path)}\r\nHost: a\r\nContent-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
    [
      "two lengths",
      (path, body) => `${head(path)}\r\nHost: a\r\nContent-Length: ${body.length}\r\nContent-Length: 0\r\n\r\n${body}`,
    ],
    ["a negative length", (path, body) => `${head(path)}\r\nHost: a\r\nContent-Length: -1\r\n\r\n${body}`],
    [
      "a bare LF",
      (path, body) => `${head(path).replaceAll("\r", "")}\nHost: a\nContent-Length: ${body.length}\n\n${body}`,
    ],
    [
      "a space before a header's colon",
      (path, body) => `${head(path)}\r\nHost: a\r\nContent-Length : ${body.length}\r\n\r\n${body}`,
    ],
    [
      "a folded header",
      (path, body) => `${head(path)}\r\nHost: a\r\nX-A: b\r\n c\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ],
    [
      "chunks of another coding",
      (path, body) => `${head(path)}\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n${body}`,
    ],
  ];

  test.each(cases)("%s", async (_name, bytesOf) => {
    for (const [path, body] of [
      ["/graphql", graphql],
      [restPath, rest],
    ] as const)
      expect(await target.withoutEffect(() => target.sendBytes(bytesOf(path, body)))).toEqual(unreadable(path));
  });

  test("no Host", async () => {
    const bytes = `${head(restPath)}\r\nContent-Length: ${rest.length}\r\n\r\n${rest}`;
    expect(await target.withoutEffect(() => target.sendBytes(bytes))).toEqual(restRefusal(400));
  });
});

describe("B60: what arrives too slowly is closed at the time limit and has no effect:", () => {
  /** So that a test can wait for it; what the others send may take longer. */
  let impatient: Target;

  beforeAll(async () => {
    impatient = await Target.open({ requestTimeoutMs: 1_500 });
  });

  afterAll(() => impatient.close());

  const timedOut = { errors: [{ status: 408, title: "Request Timeout", detail: "The request can't be read as HTTP" }] };

  test("headers that never end", async () => {
    const bytes = `${head(restPath, impatient)}\r\nHost: a\r\nX-Slow: `;
    const answer = await impatient.withoutEffect(() => impatient.sendBytes(bytes));
    expect(answer).toEqual({ status: 408, body: timedOut });
  });

  test("a body that never ends", async () => {
    const bytes = `${head(restPath, impatient)}\r\nHost: a\r\nContent-Length: ${rest.length}\r\n\r\n${rest.slice(0, -1)}`;
    const answer = await impatient.withoutEffect(() => impatient.sendBytes(bytes));
    expect(answer).toEqual({ status: 408, body: timedOut });
  });
});

test.each([
  ["of 10 KB", "x".repeat(10_240)],
  ["with a control character", "a\u0001b"],
  ["with half an escape sequence", "\u001b[31mred"],
])("B62: an X-Request-Id %s is replaced", async (_what, id) => {
  const bytes = `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nConnection: close\r\n\r\n`;
  const { status } = await target.sendBytes(bytes);
  // Node's parser takes none with a control character.
  expect(status).toBe(id.length > 128 ? 200 : 400);
  expect(target.gateway.log.join("")).not.toContain(id.slice(0, 200));
});

test.each([
  "https://stranger.example",
  "null",
  "http://127.0.0.1:4000",
  "https://studio.apollographql.com.stranger.example",
])("B63: the origin %s gets no CORS grant over either transport", async (origin) => {
  for (const path of ["/graphql", restPath]) {
    const preflight = await fetch(target.gateway.url + path, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    });
    const answer = await fetch(target.gateway.url + path, { headers: { origin } });
    for (const { headers } of [preflight, answer]) {
      expect(headers.get("access-control-allow-origin")).toBeNull();
      expect(headers.get("access-control-allow-credentials")).toBeNull();
    }
  }
});
