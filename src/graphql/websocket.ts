import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyBaseLogger } from "fastify";
import { handleProtocols, makeServer } from "graphql-ws";
import type { Context, Server } from "graphql-ws";
import { WebSocketServer } from "ws";
import { authorizationOf } from "../access/bearer.ts";
import type { StreamSessions } from "./stream-sessions.ts";
import type { StreamTimings } from "./stream-timings.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

/** Subscriptions are short, and nothing else is received. */
const messageBytesMax = 65_536;

export interface WebSocketsOptions {
  readonly sessions: StreamSessions;
  readonly subscriptions: Subscriptions;
  /** The most at one time, those included that have not shown an access token yet. */
  readonly connectionsMax: number;
  readonly timings: StreamTimings;
  readonly log: FastifyBaseLogger;
}

/** Serves subscriptions over WebSocket by the protocol graphql-transport-ws. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #connections = new Set<WebSocketConnection>();
  #isClosed = false;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
  });
  readonly #protocol: Server<WebSocketConnection>;

  constructor(options: WebSocketsOptions) {
    const { subscriptions, timings } = options;
    this.#options = options;
    this.#protocol = makeServer<Record<string, unknown>, WebSocketConnection>({
      connectionInitWaitTimeout: timings.admissionTimeoutMs,
      onConnect: (context) => this.#admit(context),
      onSubscribe: ({ extra }, _id, payload) => {
        // The first request was the one for the connection.
        const refusal = subscriptions.admit(extra.origin);
        if (refusal !== null) return [refusal];
        const prepared = subscriptions.prepare(payload, extra.origin);
        return "document" in prepared ? prepared : [...prepared];
      },
      subscribe: (args) => subscriptions.subscribe(args),
    });
  }

  /** Takes a request over that asks for a WebSocket. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isClosed || this.#connections.size >= this.#options.connectionsMax) {
      // Whoever asked may be gone, and an error that nobody listens to would end the process.
      socket.on("error", () => socket.destroy());
      socket.end(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new WebSocketConnection(webSocket, authorizationOf(request), this.#options);
      this.#connections.add(connection);
      connection.serve(this.#protocol, () => this.#connections.delete(connection));
    });
  }

  /** Waits until all connections are closed; the end of their sessions has begun it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections].map((connection) => connection.closed()));
  }

  /** @returns false where the connection is closed instead */
  async #admit(context: Context<Record<string, unknown>, WebSocketConnection>): Promise<boolean> {
    const connection = context.extra;
    try {
      const authorization = authorizationIn(context.connectionParams) ?? connection.authorization;
      connection.begin(await this.#options.sessions.open(authorization), context.subscriptions);
      return true;
    } catch (error) {
      connection.closeBecauseOf(error);
      return false;
    }
  }
}

/**
 * The access token that a browser, which can't set headers on a WebSocket, sends in its first message:
 * `{ "Authorization": "Bearer …" }`, as the header would be written or in small letters, there or under `headers`.
 */
function authorizationIn(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  for (const place of [params, params?.["headers"]]) {
    if (typeof place !== "object" || place === null) continue;
    for (const [name, value] of Object.entries(place))
      if (name.toLowerCase() === "authorization" && typeof value === "string") return value;
  }
  return undefined;
}
