import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy in front of a server, which a test tells when to cut a connection. */
export interface TcpProxy {
  readonly port: number;
  /**
   * Cuts the next connection on which the client sends these bytes: forwards them, waits for the server's answer to them,
   * and closes both sides without passing it on. Resolves when that has happened.
   */
  dropAnswerTo(request: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of the loopback interface. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let trap: { request: string; sprung: () => void } | null = null;

  const server = createServer((client) => {
    const upstream = connect(target);
    let answerIsDropped: (() => void) | null = null;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (trap !== null && bytes.includes(trap.request)) {
        answerIsDropped = trap.sprung;
        trap = null;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (answerIsDropped === null) {
        client.write(bytes);
        return;
      }
      client.destroy();
      upstream.destroy();
      answerIsDropped();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    dropAnswerTo: (request) =>
      new Promise((resolve) => {
        trap = { request, sprung: resolve };
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
