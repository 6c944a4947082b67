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
  /**
   * Cuts the next connection on which the server answers with these bytes: passes on what came before them, and closes both sides.
   * Resolves when that has happened.
   */
  dropAnswer(answer: string): Promise<void>;
  /**
   * Holds back all that the server answers until a client has sent these bytes. Resolves then: never, where a client waits
   * for an answer first.
   */
  holdAnswersUntil(request: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of the loopback interface. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let trap: { request: string; sprung: () => void } | null = null;
  let answerTrap: { answer: string; sprung: () => void } | null = null;
  let hold: { request: string; letGo: () => void; answers: (() => void)[] } | null = null;

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
      if (hold === null || !bytes.includes(hold.request)) return;
      const { answers, letGo } = hold;
      hold = null;
      for (const answer of answers) answer();
      letGo();
    });
    upstream.on("data", (bytes) => {
      if (hold !== null) {
        hold.answers.push(() => client.write(bytes));
        return;
      }
      if (answerTrap !== null && bytes.includes(answerTrap.answer)) {
        client.write(bytes.subarray(0, bytes.indexOf(answerTrap.answer)));
        answerIsDropped = answerTrap.sprung;
        answerTrap = null;
      }
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
    dropAnswer: (answer) =>
      new Promise((resolve) => {
        answerTrap = { answer, sprung: resolve };
      }),
    holdAnswersUntil: (request) =>
      new Promise((resolve) => {
        hold = { request, letGo: resolve, answers: [] };
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
