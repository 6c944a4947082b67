import { ServerResponse } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** What came right after a request for a WebSocket, for the protocol that takes over. */
const heads = new WeakMap<IncomingMessage, Buffer>();

/** A connection that has left HTTP. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Hands requests for WebSockets at one path to the routes, as requests like all others: with an id, a log line and limits.
 *
 * As soon as anybody listens for upgrades, Node answers none of the requests that ask for any upgrade; Java's HTTP client asks
 * with each for HTTP/2. An upgrade may be ignored (RFC 9110, 7.8): so those requests are put back, without their wish.
 */
export function acceptUpgrades(app: FastifyInstance, path: string): void {
  const { server } = app;
  const responses = new WeakMap<Duplex, ServerResponse>();
  server.prependListener("request", (request, response) => void responses.set(request.socket, response));
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    afterAnswer(responses.get(socket), socket, () => {
      const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
      if (isWebSocket && request.url?.split("?", 1)[0] === path) route(app, request, socket, head);
      else putBack(server, request, socket, head);
    });
  });
}

/** Whether a request asks for a WebSocket, and may be answered with one. */
export function asksForWebSocket(request: FastifyRequest): boolean {
  return heads.has(request.raw);
}

/** Takes the connection from under a request that asks for a WebSocket: nothing more is answered to it. */
export function takeConnection(request: FastifyRequest, reply: FastifyReply): UpgradedConnection {
  const { socket } = request.raw;
  reply.hijack();
  reply.raw.detachSocket(socket);
  socket.off("error", ignore);
  return { socket, head: heads.get(request.raw) ?? Buffer.alloc(0) };
}

function route(app: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Whoever asked may be gone before there is an answer.
  socket.on("error", ignore);
  response.once("finish", () => socket.end());
  heads.set(request, head);
  app.routing(request, response);
}

/** Node has let go of the socket then: an error that nobody listens to would end the process. */
const ignore = (): void => undefined;

/** Goes on when the requests that came before on the same connection are answered, if there is a connection then. */
function afterAnswer(response: ServerResponse | undefined, socket: Duplex, proceed: () => void): void {
  if (response === undefined || response.closed) {
    proceed();
    return;
  }
  socket.on("error", ignore);
  response.once("close", () => {
    if (socket.destroyed || socket.writableEnded) return;
    socket.off("error", ignore);
    proceed();
  });
}

/** Lets the server read the request once more. */
function putBack(
  server: Server,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = rawHeaders.flatMap((name, index) => {
    return index % 2 === 1 || isWish(name) ? [] : [`${name}: ${withoutUpgrade(name, rawHeaders[index + 1] ?? "")}`];
  });
  const request = [`${method} ${url} HTTP/${httpVersion}`, ...lines, "", ""].join("\r\n");
  socket.unshift(head);
  socket.unshift(Buffer.from(request, "latin1"));
  server.emit("connection", socket);
}

/** `Upgrade, HTTP2-Settings` would make the request a wish again. */
function withoutUpgrade(name: string, value: string): string {
  if (name.toLowerCase() !== "connection") return value;
  return value
    .split(",")
    .filter((option) => !isWish(option))
    .join(",");
}

/** The headers that ask for an upgrade, which the Connection header names as well. */
function isWish(name: string): boolean {
  return ["upgrade", "http2-settings"].includes(name.trim().toLowerCase());
}
