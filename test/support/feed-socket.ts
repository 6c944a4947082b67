import { once } from "node:events";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";

/** A message of the protocol graphql-transport-ws. */
export interface FeedMessage {
  readonly type: string;
  readonly id?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- the shape follows from each test's document
  readonly payload?: any;
}

/** How a WebSocket was closed. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export interface FeedSocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: string;
}

/** The document that tests subscribe with, unless they need another. */
export const watchDocument = `subscription ($after: String, $productIds: [ID!]) {
  stockTransactionCreated(after: $after, productIds: $productIds) { cursor node { productId version } }
}`;

/** A WebSocket to /graphql of which a test writes and reads each message by itself. */
export class FeedSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<Closing>;
  readonly #messages: FeedMessage[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    socket.on("message", (data: Buffer) => {
      this.#messages.push(JSON.parse(data.toString()) as FeedMessage);
      this.#wake();
    });
    // What went wrong is told by how it is closed.
    socket.on("error", () => undefined);
  }

  static async open(
    url: string,
    { headers = {}, protocol = "graphql-transport-ws" }: FeedSocketOptions = {},
  ): Promise<FeedSocket> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, protocol, { headers });
    const feedSocket = new FeedSocket(socket);
    await once(socket, "open");
    return feedSocket;
  }

  /** Opens one and shows the access token. */
  static async admitted(url: string, token: string): Promise<FeedSocket> {
    const socket = await FeedSocket.open(url);
    socket.send({ type: "connection_init", payload: { Authorization: `Bearer ${token}` } });
    const { type } = await socket.receive();
    if (type !== "connection_ack") throw new Error(`Not admitted: ${type}`);
    return socket;
  }

  /** Texts and bytes go as they are, anything else as JSON. */
  send(message: string | Buffer | object): void {
    this.socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  subscribe(id: string, payload: object = {}): void {
    this.send({ id, type: "subscribe", payload: { query: watchDocument, ...payload } });
  }

  /** The next message, in the order they came. @throws when the WebSocket is closed before there is one */
  async receive(): Promise<FeedMessage> {
    while (this.#messages.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`Closed: ${JSON.stringify(await this.closed)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#messages.shift();
    if (message === undefined) throw new Error("There was a message, and there is none");
    return message;
  }

  /**
   * Waits until all that was sent before has been read by the gateway: it answers in order. A subscription that was read has
   * not begun yet: one that is to miss nothing is given a cursor.
   */
  async settle(): Promise<void> {
    this.send({ type: "ping" });
    const { type } = await this.receive();
    if (type !== "pong") throw new Error(`Something else came first: ${type}`);
  }

  /** How it was closed, and what had been received that was not read. */
  async end(): Promise<Closing & { readonly unread: readonly FeedMessage[] }> {
    return { ...(await this.closed), unread: [...this.#messages] };
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

/** How the gateway closes a WebSocket with a subprotocol it doesn't speak: the client library would not open it. */
export async function closingOf(url: string, protocol: string): Promise<Closing> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.alloc(16).toString("base64"),
    "sec-websocket-protocol": protocol,
  };
  const [, socket, head] = (await once(get(`${url}/graphql`, { headers }), "upgrade")) as [unknown, Socket, Buffer];
  const [frame] = head.length > 0 ? [head] : ((await once(socket, "data")) as [Buffer]);
  socket.destroy();
  // A frame that closes: its kind, its length, the code and the reason.
  if (frame[0] !== 0x88) throw new Error(`Not closed but ${frame.toString("hex")}`);
  return { code: frame.readUInt16BE(2), reason: frame.toString("utf8", 4) };
}

/** Asks for a WebSocket that is not given. */
export async function refusedUpgrade(url: string, options: FeedSocketOptions = {}): Promise<IncomingMessage> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, options.protocol ?? "graphql-transport-ws", {
    headers: { ...options.headers },
  });
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}
