import type { Scope } from "../../src/access/principal.ts";
import type { IntrospectionAccess } from "../../src/graphql/context.ts";
import { startTestGateway } from "../support/gateway.ts";

/** A GraphQL error as a client reads it. */
export interface ErrorBody {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the shape follows from each test's document
export type AnyData = any;

/** An answer as it came. `data` is what the document says: tests know its shape. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: AnyData;
  readonly errors: readonly ErrorBody[] | undefined;
}

/** A gateway on a database of its own, seen from its GraphQL API. */
export interface GraphQLServer {
  readonly url: string;
  readonly databaseUrl: string;
  /** Lines of the server's log. */
  readonly log: readonly string[];
  /** An access token of a new API client. */
  newToken(scopes?: readonly Scope[]): Promise<{ readonly token: string; readonly clientId: string }>;
  /** Posts a document as the first client, which may do everything. */
  graphql(document: string, variables?: object, headers?: Record<string, string>): Promise<Answer>;
  /** As {@link graphql}; throws if there are errors. */
  data(document: string, variables?: object): Promise<Answer["data"]>;
  fetch(init: RequestInit & { path?: string }): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a gateway on a free port. */
export async function startGraphQLServer(
  options: { readonly introspection?: IntrospectionAccess; readonly federation?: boolean } = {},
): Promise<GraphQLServer> {
  const gateway = await startTestGateway({ introspection: "token", ...options });
  const { url, databaseUrl, log } = gateway;

  const newToken = async (
    scopes: readonly Scope[] = ["inventory:read", "inventory:write"],
  ): Promise<{ readonly token: string; readonly clientId: string }> => {
    const { client, secret } = await gateway.gateway.clients.create({ name: "Test", scopes, implicit: false });
    const form = { grant_type: "client_credentials", client_id: client.id, client_secret: secret };
    const response = await fetch(`${url}/oauth/access_token`, { method: "POST", body: new URLSearchParams(form) });
    const { access_token: token } = (await response.json()) as { readonly access_token: string };
    return { token, clientId: client.id };
  };
  const token = await gateway.token();

  const request = async ({ path = "/graphql", ...init }: RequestInit & { path?: string }): Promise<Response> =>
    fetch(`${url}${path}`, init);
  const graphql = async (
    query: string,
    variables: object = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await request({
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    return { status: response.status, headers: response.headers, data, errors };
  };
  return {
    url,
    databaseUrl,
    log,
    newToken,
    graphql,
    data: async (document, variables) => {
      const { data, errors } = await graphql(document, variables);
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data;
    },
    fetch: request,
    close: () => gateway.close(),
  };
}

let products = 0;

/** A product id that no other test uses. */
export function newProduct(prefix = "product"): string {
  products += 1;
  return `${prefix}-${products}`;
}
