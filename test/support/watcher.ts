import { createClient } from "graphql-ws";
import type { Client } from "graphql-ws";
import { WebSocket } from "ws";

/** One event of the feed, as far as these tests compare it. */
export interface Seen {
  readonly cursor: string;
  readonly productId: string;
  readonly version: number;
  readonly availableAfter: number;
}

const document = `subscription Watch($productIds: [ID!], $after: String) {
  stockTransactionCreated(productIds: $productIds, after: $after) {
    cursor
    node { productId version availableAfter }
  }
}`;

interface Data {
  readonly stockTransactionCreated: { readonly cursor: string; readonly node: Omit<Seen, "cursor"> };
}

export interface WatcherOptions {
  /** Of a gateway. */
  readonly url: string;
  readonly token: string;
  readonly productIds?: readonly string[];
  readonly after?: string;
  /** Lets go of the connection after so many events, again and again, and goes on from its last cursor. */
  readonly leavesAfter?: number;
}

/** A program that follows the feed over WebSocket, and comes back with its last cursor whenever the stream breaks. */
export class Watcher {
  readonly seen: Seen[] = [];
  /** With which code and reason the stream broke, each time that it was not let go of. */
  readonly breaks: string[] = [];
  readonly #options: WatcherOptions;
  #client: Client | null = null;
  #isStopped = false;
  #awaited = Infinity;
  #reached: () => void = () => undefined;
  #running: Promise<void> | null = null;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  /** Until so many events have been seen. */
  sees(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = count;
      this.#reached = resolve;
      if (this.seen.length >= count) resolve();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client?.dispose();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#watch();
      await this.#client?.dispose();
    }
  }

  /** Until the stream ends, breaks, or is let go of. */
  async #watch(): Promise<void> {
    const { url, token, productIds, leavesAfter = Infinity } = this.#options;
    const client = createClient({
      url: `${url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    this.#client = client;
    const after = this.seen.at(-1)?.cursor ?? this.#options.after;
    const variables = { productIds: productIds ?? null, after: after ?? null };
    let count = 0;
    try {
      for await (const { data, errors } of client.iterate<Data>({ query: document, variables })) {
        if (errors !== undefined) throw new Error(JSON.stringify(errors));
        if (data == null) continue;
        const { cursor, node } = data.stockTransactionCreated;
        this.seen.push({ cursor, ...node });
        if (this.seen.length >= this.#awaited) this.#reached();
        count += 1;
        if (count >= leavesAfter) return;
      }
    } catch (error) {
      if (!this.#isStopped) this.breaks.push(describeBreak(error));
    }
  }
}

function describeBreak(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && "reason" in error)
    return `${String(error.code)} ${String(error.reason)}`;
  return String(error);
}
