import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { FeedSocket } from "../support/feed-socket.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  token = await gateway.token();
});

afterAll(() => gateway.close());

/** An HTTP answer as it stood on the wire. */
interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection on which a test writes its requests by itself. */
class Connection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    socket.on("error", () => undefined);
  }

  static async open(): Promise<Connection> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    return new Connection(socket);
  }

  write(...lines: string[]): void {
    this.socket.write(lines.join("\r\n"));
  }

  /** The next answer: its length is told by its header. */
  async receive(): Promise<Answer> {
    await this.#until(() => this.#received.includes("\r\n\r\n"));
    const end = this.#received.indexOf("\r\n\r\n");
    const [first = "", ...lines] = this.#received.toString("latin1", 0, end).split("\r\n");
    const headers = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bodyEnd = end + 4 + Number(headers.get("content-length") ?? 0);
    await this.#until(() => this.#received.length >= bodyEnd);
    const body = this.#received.toString("utf8", end + 4, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd);
    return { status: Number(first.split(" ")[1]), headers, body };
  }

  async closed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, "close");
    return this.#received.toString("latin1");
  }

  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.socket.closed) throw new Error(`Closed after: ${this.#received.toString("latin1")}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** As Java's HttpClient and `curl --http2` ask. */
const h2c = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA"];
const webSocket = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: graphql-transport-ws",
];

/** A request for the levels of a product that is not there; its id is in the answer's headers. */
function query(id: string, wish: readonly string[] = [], note = ""): string {
  const body = JSON.stringify({ query: `{ stock(productId: "a") { version } } # ${note}` });
  return [
    "POST /graphql HTTP/1.1",
    "Host: gateway",
    ...wish,
    `Authorization: Bearer ${token}`,
    `X-Request-Id: ${id}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}

const get = (path: string, wish: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, "Host: gateway", ...wish, "", ""].join("\r\n");

const noStock = `{"data":{"stock":null}}`;

/** The answers' statuses, ids and bodies. */
const read = async (connection: Connection, count: number): Promise<unknown[]> => {
  const answers: unknown[] = [];
  while (answers.length < count) {
    const { status, headers, body } = await connection.receive();
    answers.push([status, headers.get("x-request-id"), body.trimEnd()]);
  }
  return answers;
};

describe("a request that asks for an upgrade to HTTP/2 is answered as if it had not", () => {
  test("without a body", async () => {
    const connection = await Connection.open();
    connection.write(get("/healthz", h2c));
    const { status, headers, body } = await connection.receive();
    expect([status, headers.get("upgrade"), body]).toEqual([200, undefined, `{"status":"live"}`]);
    connection.socket.destroy();
  });

  test("with a body that comes together with it, or in parts after it", async () => {
    const connection = await Connection.open();
    connection.write(query("whole", h2c));
    expect(await read(connection, 1)).toEqual([[200, "whole", noStock]]);
    const large = query("parts", h2c, "x".repeat(500_000));
    const headEnd = large.indexOf("\r\n\r\n") + 4;
    for (const [from, to] of [
      [0, headEnd - 10],
      [headEnd - 10, headEnd],
      [headEnd, headEnd + 5],
      [headEnd + 5, large.length],
    ] as const) {
      connection.write(large.slice(from, to));
      await new Promise(setImmediate);
    }
    expect(await read(connection, 1)).toEqual([[200, "parts", noStock]]);
    connection.socket.destroy();
  });

  test("in chunks", async () => {
    const connection = await Connection.open();
    const body = JSON.stringify({ query: `{ stock(productId: "a") { version } }` });
    const head = query("chunks", [...h2c, "Transfer-Encoding: chunked"]).split("\r\n\r\n")[0] ?? "";
    connection.write(
      head.replace(/\r\nContent-Length: \d+/, ""),
      "",
      body.length.toString(16),
      body,
      "0",
      "",
      get("/healthz"),
    );
    expect(await read(connection, 1)).toEqual([[200, "chunks", noStock]]);
    expect((await connection.receive()).status).toBe(200);
    connection.socket.destroy();
  });

  test("again and again on one connection", async () => {
    const connection = await Connection.open();
    for (let id = 0; id < 30; id += 1) {
      connection.write(query(`wish-${id}`, h2c));
      connection.write(query(`plain-${id}`));
      expect(await read(connection, 2)).toEqual([
        [200, `wish-${id}`, noStock],
        [200, `plain-${id}`, noStock],
      ]);
    }
    connection.socket.destroy();
  });

  test("in its place among those that were sent before the answers had come", async () => {
    const connection = await Connection.open();
    const ids = ["1", "2", "3", "4", "5", "6", "7"];
    connection.write(ids.map((id, index) => query(id, index % 3 === 0 ? [] : h2c)).join(""));
    expect(await read(connection, ids.length)).toEqual(ids.map((id) => [200, id, noStock]));
    connection.socket.destroy();
  });

  test("and refused like any other", async () => {
    const connection = await Connection.open();
    connection.write(query("bad", h2c).replace(/Bearer \S+/, "Bearer a.b.c"));
    expect((await connection.receive()).status).toBe(401);
    connection.write(
      "POST /graphql HTTP/1.1",
      "Host: gateway",
      ...h2c,
      "Content-Type: application/json",
      "Content-Length: 2000000",
      "",
      "",
    );
    expect((await connection.receive()).status).toBe(413);
    connection.socket.destroy();
  });

  test("to curl --http2", async () => {
    const { stdout } = await promisify(execFile)("curl", [
      "-s",
      "--http2",
      "-w",
      " %{http_version} %{http_code}",
      `${gateway.url}/graphql`,
      "-H",
      `Authorization: Bearer ${token}`,
      "-H",
      "Content-Type: application/json",
      "-d",
      JSON.stringify({ query: `{ stock(productId: "a") { version } }` }),
    ]);
    expect(stdout.replace("\n", "")).toBe(`${noStock} 1.1 200`);
  });
});

describe("a request for a WebSocket", () => {
  test.each([
    ["at a path that has none", "/healthz", 200],
    ["at a path that is not there", "/socket", 404],
    ["below the right path", "/graphql/socket", 404],
  ])("%s is answered as if it had not asked, and the connection goes on", async (_name, path, status) => {
    const connection = await Connection.open();
    connection.write(get(path, webSocket));
    const answer = await connection.receive();
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/json; charset=utf-8"]);
    connection.write(get("/healthz"));
    expect((await connection.receive()).body).toBe(`{"status":"live"}`);
    connection.socket.destroy();
  });

  test.each([
    ["without a key", webSocket.filter((line) => !line.startsWith("Sec-WebSocket-Key")), 400],
    ["with a bad key", webSocket.map((line) => line.replace(/Key: .*/, "Key: a")), 400],
    ["of an unknown version", webSocket.map((line) => line.replace("13", "7")), 400],
  ])("%s is refused, and the connection closed", async (_name, wish, status) => {
    const connection = await Connection.open();
    connection.write(get("/graphql", wish));
    expect((await connection.receive()).status).toBe(status);
    await connection.closed();
  });

  test("with a query in the path is given", async () => {
    const connection = await Connection.open();
    connection.write(get("/graphql?a=b", webSocket));
    expect((await connection.receive()).status).toBe(101);
    connection.socket.destroy();
  });

  test("does no harm with garbage, or further requests, right after it", async () => {
    const garbage = [
      "\0".repeat(100),
      "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n",
      Buffer.from("ffffffffffffffffffff", "hex").toString("latin1"),
    ];
    for (const bytes of garbage) {
      const connection = await Connection.open();
      connection.socket.write(Buffer.from(get("/graphql", webSocket) + bytes, "latin1"));
      expect((await connection.receive()).status).toBe(101);
      // A frame that closes, 1002: broken, and nothing that looks like an answer to the request.
      const rest = Buffer.from(await connection.closed(), "latin1");
      expect([rest[0], rest.readUInt16BE(2)]).toEqual([0x88, 1002]);
    }
    await stillServes();
  });

  test("does no harm when its connection is lost at once, wherever it asked", async () => {
    const small = await startTestGateway({ databaseUrl: gateway.databaseUrl, watchersMax: 1 });
    const only = await FeedSocket.open(small.url);
    const { hostname, port } = new URL(small.url);
    for (const path of ["/graphql", "/healthz", "/graphql", "/socket"]) {
      const socket = connect(Number(port), hostname);
      await once(socket, "connect");
      socket.write(get(path, webSocket));
      await new Promise(setImmediate);
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    expect((await fetch(`${small.url}/healthz`)).status).toBe(200);
    await only.close();
    await small.close();
    await stillServes();
  });
});

async function stillServes(): Promise<void> {
  const socket = await FeedSocket.admitted(gateway.url, token);
  await socket.settle();
  await socket.close();
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
}
