import type { ApolloClient } from "@apollo/client";
import { makeVar } from "@apollo/client";
import { print } from "graphql";
import { CloseCode, createClient } from "graphql-ws";
import type { Client } from "graphql-ws";
import { FeedPositionDocument, StockTransactionCreatedDocument } from "../generated/operations.ts";
import type { StockTransactionCreatedSubscription, StockTransactionFieldsFragment } from "../generated/operations.ts";
import type { OvertakenAnswers } from "./overtaken-answers.ts";
import type { Session } from "../session/session.ts";
import { mergeStockTransactions } from "./merge.ts";

/** Whether what is shown is kept up to date. */
export type FeedState = "connecting" | "live" | "away";

/** News are put into the cache together, so that a busy shop doesn't keep the page from answering. */
const mergeEveryMs = 100;
const pingEveryMs = 15_000;
const pongWithinMs = 5_000;
const firstWaitMs = 500;
const longestWaitMs = 10_000;

/**
 * Follows all stock transactions and merges them into the cache. It starts from a place in the ledger that is older than
 * anything that the pages have loaded, and goes on from the last cursor whenever the connection breaks: nothing is missed.
 */
export class Feed {
  readonly state = makeVar<FeedState>("connecting");
  readonly #session: Session;
  readonly #apollo: ApolloClient;
  readonly #overtaken: OvertakenAnswers;
  #after: string | null = null;
  readonly #news: StockTransactionFieldsFragment[] = [];

  constructor(session: Session, apollo: ApolloClient, overtaken: OvertakenAnswers) {
    this.#session = session;
    this.#apollo = apollo;
    this.#overtaken = overtaken;
  }

  /** Follows until the returned function is called. */
  start(): () => void {
    const stop = new AbortController();
    // A token that is there again is a way that is open again, whether or not the feed has been away.
    const leave = this.#session.subscribe(() => {
      if (this.#session.getState().kind === "in") this.#loadWhatFailed();
    });
    stop.signal.addEventListener("abort", leave);
    void this.#follow(stop.signal);
    return () => stop.abort();
  }

  async #follow(stop: AbortSignal): Promise<void> {
    this.#after = null;
    let failures = 0;
    while (!stop.aborted) {
      this.state(failures === 0 ? "connecting" : "away");
      try {
        const token = await this.#session.token();
        this.#after ??= await this.#position();
        const { wasLive, closeCode } = await this.#listen(token, stop);
        if (closeCode === CloseCode.Unauthorized) await this.#session.refuse(token);
        failures = wasLive ? 1 : failures + 1;
      } catch {
        // Signed out, or the gateway is away: the next round tells.
        failures += 1;
      }
      if (!stop.aborted) await waitOrStop(Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs), stop);
    }
  }

  /** The ledger's end; an empty ledger has none, and everything is news. */
  async #position(): Promise<string | null> {
    const { data } = await this.#apollo.query({ query: FeedPositionDocument, fetchPolicy: "no-cache" });
    return data?.stockTransactions.pageInfo.endCursor ?? null;
  }

  /** Listens on one connection until it ends. */
  #listen(token: string, stop: AbortSignal): Promise<{ wasLive: boolean; closeCode: number | null }> {
    return new Promise((resolve) => {
      let wasLive = false;
      const client = connect(token, () => {
        wasLive = true;
        if (this.state() === "away") this.#loadWhatFailed();
        this.state("live");
      });
      const end = (closeCode: number | null): void => {
        stop.removeEventListener("abort", dispose);
        void client.dispose();
        resolve({ wasLive, closeCode });
      };
      const dispose = (): void => end(null);
      // The place may have been lost: what is shown is loaded anew, and followed from there.
      const startAnew = (): void => void this.#startAnew().then(dispose, dispose);
      stop.addEventListener("abort", dispose);
      client.subscribe<StockTransactionCreatedSubscription>(
        {
          query: print(this.#apollo.cache.transformDocument(StockTransactionCreatedDocument)),
          variables: { after: this.#after },
        },
        {
          next: ({ data, errors }) => {
            if (data != null) this.#take(data.stockTransactionCreated);
            else if (errors !== undefined) startAnew();
          },
          // A list is of GraphQL errors, anything else is the connection's end.
          error: (error) => (Array.isArray(error) ? startAnew() : end(closeCodeOf(error))),
          complete: dispose,
        },
      );
    });
  }

  #take({ cursor, node }: StockTransactionCreatedSubscription["stockTransactionCreated"]): void {
    this.#after = cursor;
    this.#news.push(node);
    this.#overtaken.note(node);
    if (this.#news.length > 1) return;
    setTimeout(() => mergeStockTransactions(this.#apollo.cache, this.#news.splice(0)), mergeEveryMs);
  }

  /** What could not be loaded while there was no way to the gateway is loaded now that there is: nobody has to ask for it. */
  #loadWhatFailed(): void {
    for (const query of this.#apollo.getObservableQueries("active"))
      // Where it fails again, the page says so.
      if (query.getCurrentResult().error !== undefined) void query.refetch().catch(() => undefined);
  }

  async #startAnew(): Promise<void> {
    this.#after = await this.#position();
    await this.#apollo.refetchQueries({ include: "active" });
  }
}

/** One connection, which notices when the other side is gone without a word. */
function connect(token: string, onLive: () => void): Client {
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
    keepAlive: pingEveryMs,
    on: {
      connected: onLive,
      ping: (isReceived) => {
        if (!isReceived) pongTimer = setTimeout(() => client.terminate(), pongWithinMs);
      },
      pong: () => clearTimeout(pongTimer),
      closed: () => clearTimeout(pongTimer),
    },
  });
  return client;
}

function closeCodeOf(error: unknown): number | null {
  return error instanceof CloseEvent ? error.code : null;
}

/** Waits, but not once the network is back or nobody needs it any more. */
function waitOrStop(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener("online", done);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    stop.addEventListener("abort", done);
  });
}
