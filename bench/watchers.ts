import { createHistogram } from "node:perf_hooks";
import { inspect } from "node:util";
import { createClient } from "graphql-ws";
import type { Client } from "graphql-ws";
import { WebSocket } from "ws";
import { productIdOf } from "./workload.ts";

/** Who watches while stock is moved. */
export interface WatchersPlan {
  readonly count: number;
  /** Each watches the product with its own number; otherwise all of them watch everything. */
  readonly oneProductEach: boolean;
}

/** What watchers were told in one stretch of time. */
export interface FeedStretch {
  readonly eventsPerSecond: number;
  /** From the time of acceptance, which is read just before COMMIT, to having the event: to the millisecond. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const document = `subscription Watch($productIds: [ID!]) {
  stockTransactionCreated(productIds: $productIds) {
    cursor
    node { id productId action quantity availableAfter allocatedAfter version createdAt }
  }
}`;

interface Event {
  readonly stockTransactionCreated: { readonly node: { readonly createdAt: string } };
}

/** Subscribers of one server, each on a connection of its own. */
export class Watchers {
  readonly #clients: Client[] = [];
  #failure: Error | null = null;
  #stretch = { startedAt: performance.now(), events: 0, millis: createHistogram() };

  /** Connects one after another: the gateway lets few of one address wait that have not shown an access token. */
  static async open(url: string, token: string, { count, oneProductEach }: WatchersPlan): Promise<Watchers> {
    const watchers = new Watchers();
    for (let index = 0; index < count; index += 1)
      await watchers.#subscribe(url, token, oneProductEach ? [productIdOf(index)] : null);
    return watchers;
  }

  /** Waits until it is admitted, or has failed. */
  #subscribe(url: string, token: string, productIds: readonly string[] | null): Promise<void> {
    const client = createClient({
      url: new URL("/graphql", url.replace("http", "ws")).href,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    this.#clients.push(client);
    return new Promise((resolve) => {
      client.on("connected", () => resolve());
      client.subscribe<Event>(
        { query: document, variables: { productIds } },
        {
          next: ({ data, errors }) => {
            if (data == null) this.#fail(JSON.stringify(errors));
            else this.#record(data);
          },
          error: (error) => {
            this.#fail(inspect(error, { depth: 0 }));
            resolve();
          },
          complete: () => undefined,
        },
      );
    });
  }

  /** Begins a new stretch. */
  restart(): void {
    this.#stretch = { startedAt: performance.now(), events: 0, millis: createHistogram() };
  }

  /** The stretch so far. @throws Error when a stream has failed, or nobody was told anything */
  read(): FeedStretch {
    if (this.#failure !== null) throw this.#failure;
    const { startedAt, events, millis } = this.#stretch;
    if (events === 0) throw new Error("No watcher was told anything");
    return {
      eventsPerSecond: events / ((performance.now() - startedAt) / 1_000),
      p50Ms: millis.percentile(50),
      p99Ms: millis.percentile(99),
    };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.dispose();
  }

  #record({ stockTransactionCreated }: Event): void {
    const { createdAt } = stockTransactionCreated.node;
    this.#stretch.events += 1;
    this.#stretch.millis.record(Math.max(1, Date.now() - Date.parse(createdAt)));
  }

  #fail(message: string): void {
    this.#failure ??= new Error(`A subscription failed: ${message}`);
  }
}
