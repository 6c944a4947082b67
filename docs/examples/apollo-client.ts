import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";

const stockTransactionCreated = gql`
  subscription StockTransactionCreated($after: String, $productIds: [ID!]) {
    stockTransactionCreated(after: $after, productIds: $productIds) {
      cursor
      node {
        productId
        version
        action
        quantity
        availableAfter
        allocatedAfter
      }
    }
  }
`;

export interface StockTransactionEdge {
  readonly cursor: string;
  readonly node: {
    readonly productId: string;
    readonly version: number;
    readonly action: string;
    readonly quantity: number;
    readonly availableAfter: number;
    readonly allocatedAfter: number;
  };
}

export interface FollowOptions {
  /** The last cursor that was seen; null for what is accepted from now on. */
  readonly after: string | null;
  readonly productIds?: readonly string[];
  /** Keep `edge.cursor` together with what you make of the edge: it is where to go on after a restart. */
  readonly onEdge: (edge: StockTransactionEdge) => void;
  /** It can't go on: the request is wrong, or the client may not read. */
  readonly onRefused: (error: Error) => void;
}

/** @param newToken is asked for each connection, and so after each break */
export function createFeedClient(url: string, newToken: () => Promise<string>): ApolloClient {
  const webSocket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ Authorization: `Bearer ${await newToken()}` }),
    // It would repeat the subscription as it was, and so what has been seen: `follow` goes on from the last cursor.
    retryAttempts: 0,
  });
  return new ApolloClient({ link: new GraphQLWsLink(webSocket), cache: new InMemoryCache() });
}

/** Calls back with each stock transaction, once and in order, whatever breaks meanwhile. @returns stops it */
export function follow(client: ApolloClient, { after, productIds, onEdge, onRefused }: FollowOptions): () => void {
  let cursor = after;
  let breaks = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let subscription: { unsubscribe(): void } | undefined;

  const subscribe = (): void => {
    let failure: Error | undefined;
    const results = client.subscribe<{ readonly stockTransactionCreated: StockTransactionEdge }>({
      query: stockTransactionCreated,
      variables: { after: cursor, productIds },
      fetchPolicy: "no-cache",
    });
    subscription = results.subscribe({
      next: ({ data, error }) => {
        failure = error;
        if (data == null) return;
        breaks = 0;
        cursor = data.stockTransactionCreated.cursor;
        onEdge(data.stockTransactionCreated);
      },
      complete: () => {
        if (isFinal(failure)) onRefused(failure);
        else timer = setTimeout(subscribe, waitMs(breaks++));
      },
    });
  };
  subscribe();
  return () => {
    clearTimeout(timer);
    subscription?.unsubscribe();
  };
}

/** What asking again won't change. All else may pass: 4401 with a new token, 1012 with a gateway that is there again. */
function isFinal(error: Error | undefined): error is Error {
  if (error === undefined) return false;
  if (!CombinedGraphQLErrors.is(error)) return /^Socket closed with event (4400|4403|4406)/.test(error.message);
  return error.errors.some(({ extensions }) => [400, 403].includes(Number(extensions?.["status"])));
}

/** Longer from break to break, up to half a minute, and never the same for all. */
function waitMs(breaks: number): number {
  return Math.min(30_000, 250 * 2 ** breaks) * (0.5 + Math.random() / 2);
}
