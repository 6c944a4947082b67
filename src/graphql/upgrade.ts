import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** What is done with a request for a WebSocket. */
export type AcceptWebSocket = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Takes requests for WebSockets at one path.
 *
 * As soon as anybody listens for upgrades, Node answers none of the requests that ask for any upgrade; Java's HTTP client asks
 * with each for HTTP/2. An upgrade may be ignored (RFC 9110, 7.8): so those requests are put back, without their wish.
 */
export function acceptUpgrades(server: Server, path: string, accept: AcceptWebSocket): void {
  const responses = new WeakMap<Duplex, ServerResponse>();
  server.prependListener("request", (request, response) => void responses.set(request.socket, response));
  server.on("upgrade", (request, socket, head) => {
    afterAnswer(responses.get(socket), socket, () => {
      const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
      if (isWebSocket && request.url?.split("?", 1)[0] === path) accept(request, socket, head);
      else putBack(server, request, socket, head);
    });
  });
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
    const isWish = ["upgrade", "http2-settings"].includes(name.toLowerCase());
    return index % 2 === 1 || isWish ? [] : [`${name}: ${withoutUpgrade(name, rawHeaders[index + 1] ?? "")}`];
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
    .filter((option) => !["upgrade", "http2-settings"].includes(option.trim().toLowerCase()))
    .join(",");
}
