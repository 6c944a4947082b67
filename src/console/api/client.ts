import { ApolloClient, HttpLink } from "@apollo/client";
import { RetryLink } from "@apollo/client/link/retry";
import { ApolloLink } from "@apollo/client/link";
import { OperationTypeNode } from "graphql";
import { authorizedFetch } from "../session/authorized-fetch.ts";
import { SignedOutError } from "../session/session.ts";
import type { Session } from "../session/session.ts";
import { createCache } from "./cache.ts";
import { describeFailure } from "./failures.ts";
import type { OvertakenAnswers } from "./overtaken-answers.ts";

/**
 * Apollo Client over the gateway's public API. Queries that meet a lost connection are sent again; what changes stock is
 * not: whoever sends it does that, and says so.
 */
export function createClient(session: Session, overtaken: OvertakenAnswers): ApolloClient {
  const cache = createCache();
  const retry = new RetryLink({
    delay: { initial: 300, max: 3_000, jitter: true },
    attempts: {
      max: 4,
      retryIf: (error, operation) =>
        operation.operationType === OperationTypeNode.QUERY &&
        !(error instanceof SignedOutError) &&
        describeFailure(error).kind === "away",
    },
  });
  const http = new HttpLink({ uri: "/graphql", fetch: authorizedFetch(session) });
  const link = ApolloLink.from([overtaken.link(cache), retry, http]);
  return new ApolloClient({ link, cache, assumeImmutableResults: true });
}
