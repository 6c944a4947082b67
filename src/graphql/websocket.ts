import type { FastifyReply, FastifyRequest } from "fastify";
import { handleProtocols, makeServer } from "graphql-ws";
import type { Context, Server } from "graphql-ws";
import { WebSocketServer } from "ws";
import { ServiceUnavailableError } from "../inventory/errors.ts";
import type { StreamSessions } from "./stream-sessions.ts";
import type { StreamTimings } from "./stream-timings.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { takeConnection } from "./upgrade.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

/** Subscriptions are short, and nothing else is received. */
const messageBytesMax = 65_536;

/** How many of one address may be open that have not shown an access token yet: none takes all the room there is. */
const strangersMax = 64;

export interface WebSocketsOptions {
  readonly sessions: StreamSessions;
  readonly subscriptions: Subscriptions;
  /** The most at one time, those included that have not shown an access token yet. */
  readonly connectionsMax: number;
  readonly timings: StreamTimings;
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

  /**
   * Answers with a WebSocket.
   * @throws ServiceUnavailableError where there are as many as there may be
   */
  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const isFull = this.#isClosed || this.#connections.size >= this.#options.connectionsMax;
    if (isFull || this.#countStrangers(request.ip) >= strangersMax)
      throw new ServiceUnavailableError("There are as many WebSockets as there may be", "not applied", {
        retryAfterSeconds: 10,
      });
    const { socket, head } = takeConnection(request, reply);
    this.#server.handleUpgrade(request.raw, socket, head, (webSocket) => {
      const connection = new WebSocketConnection(webSocket, request, this.#options.timings);
      this.#connections.add(connection);
      connection.serve(this.#protocol, () => this.#connections.delete(connection));
    });
    return reply;
  }

  /** Waits until all connections are closed; the end of their sessions has begun it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections].map((connection) => connection.closed()));
  }

  #countStrangers(address: string): number {
    return [...this.#connections].filter((connection) => connection.isStranger && connection.address === address)
      .length;
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
