import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import { CloseCode } from "graphql-ws";
import type { Server } from "graphql-ws";
import type { RawData, WebSocket } from "ws";
import { authorizationOf } from "../access/bearer.ts";
import { ForbiddenError, UnauthenticatedError } from "../access/principal.ts";
import { RateLimitedError } from "../access/rate-limited-error.ts";
import { ServiceUnavailableError, SlowWatcherError } from "../inventory/errors.ts";
import { jsonTooDeep, nestsTooDeep } from "../json-depth.ts";
import type { StreamSession } from "./stream-sessions.ts";
import type { StreamTimings } from "./stream-timings.ts";
import type { StreamOrigin } from "./subscriptions.ts";

/** The most bytes that may wait to be taken before more is read: whoever asks without end has to take the answers too. */
const unsentBytesMax = 65_536;

/** How long the other side has to close as well. */
const closeTimeoutMs = 2_000;

/** The close codes of RFC 6455 that say more than graphql-ws's own. */
const closeCodes = { normal: 1000, restart: 1012, tryAgainLater: 1013 } as const;

/** One WebSocket, from the time that it is open. */
export class WebSocketConnection {
  /** The value of the Authorization header that the WebSocket was asked for with. */
  readonly authorization: string | undefined;
  /** Where it comes from. */
  readonly address: string;
  readonly #socket: WebSocket;
  readonly #timings: StreamTimings;
  readonly #log: FastifyBaseLogger;
  readonly #id: string;
  /** Null until the client has shown its access token. */
  #session: StreamSession | null = null;
  /** Those that run, by their ids. */
  #subscriptions: Readonly<Record<string, unknown>> = {};
  /** When there was a subscription last. */
  #busyAt = performance.now();
  #isAnswering = true;

  /** @param request the one that it was asked for with */
  constructor(socket: WebSocket, request: FastifyRequest, timings: StreamTimings) {
    this.#socket = socket;
    this.#timings = timings;
    this.authorization = authorizationOf(request.raw);
    this.address = request.ip;
    this.#id = request.id;
    this.#log = request.log;
  }

  /** Whether the client has not shown an access token yet. */
  get isStranger(): boolean {
    return this.#session === null;
  }

  /** For what is subscribed to here. */
  get origin(): StreamOrigin {
    if (this.#session === null) throw new Error("A subscription came before the connection had a session");
    return { session: this.#session, requestId: this.#id, log: this.#log };
  }

  /** Hands what comes in to the protocol, and what the protocol says back, until the WebSocket is closed. */
  serve(protocol: Server<WebSocketConnection>, onClosed: () => void): void {
    const socket = this.#socket;
    const opened = performance.now();
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        // Answered when the bytes have left the process: until then nothing more is asked of the subscription.
        send: (data) =>
          new Promise((resolve) => {
            if (socket.readyState === socket.OPEN) socket.send(data, () => resolve());
            else resolve();
          }),
        close: (code, reason) => this.#close(code, reason),
        onMessage: (receive) => {
          socket.on("message", (data, isBinary) => {
            const text = textOf(data);
            if (isBinary) this.#close(CloseCode.BadRequest, "Messages are text");
            else if (nestsTooDeep(text)) this.#close(CloseCode.BadRequest, jsonTooDeep);
            else receive(text).catch((error: unknown) => this.#meetFault(error));
            this.#pauseWhileUnsent();
          });
        },
      },
      this,
    );
    const ping = setInterval(() => this.#ping(), this.#timings.pingIntervalMs);
    socket.on("pong", () => (this.#isAnswering = true));
    // Broken frames, and messages that are too large: ws closes with the code for it.
    socket.on("error", (error) => this.#log.debug({ err: error }, "A WebSocket met an error"));
    socket.once("close", (code, reason) => {
      clearInterval(ping);
      this.#session?.end();
      onClosed();
      void closed(code, String(reason));
      const ms = Math.round(performance.now() - opened);
      this.#log.info({ code, ms, client: this.#session?.principal.clientId }, "websocket");
    });
  }

  /** Goes on with a session: its end closes the WebSocket. */
  begin(session: StreamSession, subscriptions: Readonly<Record<string, unknown>>): void {
    this.#session = session;
    this.#subscriptions = subscriptions;
    session.signal.addEventListener("abort", () => this.closeBecauseOf(session.signal.reason));
    if (this.#socket.readyState !== this.#socket.OPEN) session.end();
  }

  /** Closes with the code that says what the error says. */
  closeBecauseOf(error: unknown): void {
    if (error instanceof UnauthenticatedError) this.#close(CloseCode.Unauthorized, error.message);
    else if (error instanceof ForbiddenError) this.#close(CloseCode.Forbidden, error.message);
    else if (error instanceof ServiceUnavailableError) this.#close(closeCodes.restart, error.message);
    else if (error instanceof SlowWatcherError || error instanceof RateLimitedError)
      this.#close(closeCodes.tryAgainLater, error.message);
    else if (error !== null) this.#meetFault(error);
  }

  /** Waits for the WebSocket to be closed, and cuts it off where the other side does not let go. */
  async closed(): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState === socket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => socket.terminate(), closeTimeoutMs);
      socket.once("close", () => {
        clearTimeout(late);
        resolve();
      });
      this.#close(closeCodes.restart, "The gateway is stopping");
    });
  }

  #close(code: number | undefined, reason: string | undefined): void {
    this.#socket.close(code, reason);
  }

  /** Who takes nothing is not heard either, and so does not answer whether it is still there. */
  #pauseWhileUnsent(): void {
    const socket = this.#socket;
    if (socket.isPaused || socket.bufferedAmount <= unsentBytesMax) return;
    socket.pause();
    // It goes behind all the rest: when it has left, nothing waits any more.
    socket.pong("", false, () => socket.resume());
  }

  #meetFault(error: unknown): void {
    this.#log.error({ err: error }, "A WebSocket met a fault");
    this.#close(CloseCode.InternalServerError, "Internal server error");
  }

  #ping(): void {
    if (!this.#isAnswering) {
      this.#socket.terminate();
      return;
    }
    if (Object.keys(this.#subscriptions).length > 0) this.#busyAt = performance.now();
    if (performance.now() - this.#busyAt > this.#timings.idleTimeoutMs) {
      this.#close(closeCodes.normal, "No subscription for a while");
      return;
    }
    this.#isAnswering = false;
    this.#socket.ping();
  }
}

/** Messages come as a buffer, unless the WebSocket is told otherwise. */
function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
