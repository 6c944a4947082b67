import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** Which way bytes go: from who connected, or back to them. */
export type Direction = "request" | "answer";

/** Some bytes on their way. */
export interface Passage {
  readonly bytes: Buffer;
  readonly direction: Direction;
  /** performance.now() when they came. */
  readonly arrivedAt: number;
  readonly link: Link;
}

/** Says what becomes of bytes; the next ones of the same connection and direction wait until it is done. */
export type Behaviour = (passage: Passage) => void | Promise<void>;

const pass: Behaviour = ({ link, direction, bytes }) => link.forward(direction, bytes);

/** One connection through the proxy. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  #isHeldOpen = false;
  /** Whether bytes of it went missing, so that it is of no use any more. */
  hasLostBytes = false;

  constructor(client: Socket, server: Socket, behaviourOf: () => Behaviour, onClose: () => void) {
    this.#client = client;
    this.#server = server;
    this.#relay(client, "request", behaviourOf);
    this.#relay(server, "answer", behaviourOf);
    let open = 2;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open -= 1;
        if (open === 0) onClose();
        else if (!this.#isHeldOpen) this.cut();
      });
    }
  }

  forward(direction: Direction, bytes: Buffer): void {
    const to = direction === "request" ? this.#server : this.#client;
    if (to.writable) to.write(bytes);
  }

  /** Closes both sides at once, with RST where that is still possible. */
  cut(): void {
    this.#isHeldOpen = false;
    for (const socket of [this.#client, this.#server]) {
      // One that is being shut down can't be reset: Node would lose its handle, which keeps the process from its end.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** The server's side is gone, and the client's never hears of it. */
  leaveHalfOpen(): void {
    this.#isHeldOpen = true;
    this.hasLostBytes = true;
    this.#server.destroy();
  }

  #relay(from: Socket, direction: Direction, behaviourOf: () => Behaviour): void {
    let before: Promise<void> | null = null;
    from.on("data", (bytes) => {
      const passage = { bytes, direction, arrivedAt: performance.now(), link: this };
      const behave = async (): Promise<void> => behaviourOf()(passage);
      // Without anything in front of it, at once: the plain way costs no turn of the event loop.
      if (before === null && behaviourOf() === pass) {
        this.forward(direction, bytes);
        return;
      }
      const mine: Promise<void> = (before ?? Promise.resolve()).then(behave).finally(() => {
        if (before === mine) before = null;
      });
      before = mine;
    });
  }
}

/** A TCP proxy on a free port of the loopback interface, which can be told to do badly. */
export class FaultyProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #behaviour: Behaviour = pass;

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => {
      const link: Link = new Link(
        client,
        connect(target),
        () => this.#behaviour,
        () => this.#links.delete(link),
      );
      this.#links.add(link);
    });
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<FaultyProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultyProxy(server, target);
  }

  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** Does so with every connection from now on, those that are open and those to come. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
  }

  /** Passes everything on again; connections of which bytes are missing are cut. */
  heal(): void {
    this.#behaviour = pass;
    for (const link of this.#links) if (link.hasLostBytes) link.cut();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const link of this.#links) link.cut();
    if (this.#server.listening) await once(this.#server, "close");
  }
}
