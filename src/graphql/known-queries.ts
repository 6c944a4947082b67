import type {
  ApolloServerOptions,
  BaseContext,
  GraphQLRequest,
  GraphQLRequestContextDidResolveOperation,
} from "@apollo/server";
import { BoundedMap } from "../access/bounded-map.ts";

type LearnedFrom = Pick<GraphQLRequestContextDidResolveOperation<BaseContext>, "source" | "queryHash" | "metrics">;
type PersistedQueryCache = NonNullable<
  Exclude<ApolloServerOptions<BaseContext>["persistedQueries"], false | undefined>["cache"]
>;

/** In characters: a thousand queries, of which most have a few hundred, come to 20 MB at most, for each is held twice. */
export const queryLengthMax = 10_000;
export const queriesMax = 1_000;

/**
 * Queries that were asked before, and the hashes by which Apollo Server finds their documents. It makes the hash of a query anew with
 * each request, for a tenth of what a mutation costs, and takes it from the request if that is an automatic persisted query. So a
 * query that it has hashed before is made one. Those of clients are kept here too.
 */
export class KnownQueries implements PersistedQueryCache {
  readonly #queries = new BoundedMap<string>(queriesMax);
  readonly #hashes = new BoundedMap<string>(queriesMax);

  /** Has a request name its query by the hash, if that is known. To be called right before Apollo Server looks for it. */
  nameQuery(request: GraphQLRequest): void {
    const { query, extensions } = request;
    if (query === undefined || extensions?.["persistedQuery"] !== undefined) return;
    const sha256Hash = this.#hashes.get(query);
    // What was used last is not forgotten next: it will be found.
    if (sha256Hash === undefined || this.#queries.get(sha256Hash) === undefined) return;
    const persistedQuery = { version: 1, sha256Hash };
    Object.assign(request, { query: undefined, extensions: { ...extensions, persistedQuery } });
  }

  /** Keeps the query of a valid document with the hash that Apollo Server has made of it. */
  learn({ source, queryHash, metrics }: LearnedFrom): void {
    if (metrics.persistedQueryHit !== true) this.#keep(queryHash, source);
  }

  async get(key: string): Promise<string | undefined> {
    return this.#queries.get(hashIn(key));
  }

  async set(key: string, query: string): Promise<void> {
    this.#keep(hashIn(key), query);
  }

  async delete(): Promise<void> {
    // Nobody asks for it.
  }

  #keep(hash: string, query: string): void {
    if (query.length > queryLengthMax) return;
    this.#queries.set(hash, query);
    this.#hashes.set(query, hash);
  }
}

/** Apollo Server puts a word of its own before the hash. */
function hashIn(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}
