import { createDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { refusalCatalogue } from "../../src/inventory/errors.ts";
import type { BatchPolicy, CreateStockTransaction, DeleteStock } from "../../src/inventory/commands.ts";

/** Which of the gateways is asked, and how. */
export interface Way {
  readonly gateway: 0 | 1;
  readonly transport: "graphql" | "rest";
}

/** An answer as a client reads it: what a transport doesn't say is not there. */
export interface HttpAnswer {
  readonly code: string;
  readonly id?: string;
  readonly available?: number;
  readonly allocated?: number;
  readonly version?: number;
  readonly replayed?: boolean;
}

interface GraphqlBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string; readonly replayed?: boolean } }[];
}

interface Line {
  readonly transaction: Transaction | null;
  readonly error: { readonly code: string } | null;
  readonly replayed: boolean;
}

interface Transaction {
  readonly id: string;
  readonly availableAfter: number;
  readonly allocatedAfter: number;
  readonly version: number;
}

const fields = "id availableAfter allocatedAfter version";
const moveDocument = `mutation ($productId: ID!, $action: StockAction!, $quantity: Int!, $idempotencyKey: String, $expectedVersion: Int, $reason: StockReason) {
  createStockTransaction(productId: $productId, action: $action, quantity: $quantity, idempotencyKey: $idempotencyKey,
                         expectedVersion: $expectedVersion, reason: $reason) { ${fields} } }`;
const batchDocument = `mutation ($transactions: [StockTransactionInput!]!, $policy: BatchPolicy!) {
  createStockTransactions(transactions: $transactions, policy: $policy) { transaction { ${fields} } error { code } replayed } }`;
const deleteDocument = `mutation ($productId: ID!, $expectedVersion: Int) {
  deleteStock(productId: $productId, expectedVersion: $expectedVersion) { available allocated version } }`;
const keyDocument = `query ($key: String!) {
  stockTransactionByIdempotencyKey(idempotencyKey: $key) { transaction { ${fields} } error { code } replayed } }`;

/** Two gateways over one database, and two clients that may ask either of them. */
export class Installation {
  readonly #database: TestDatabase;
  readonly #gateways: readonly [TestGateway, TestGateway];
  readonly #tokens: ReadonlyMap<string, string>;

  private constructor(
    database: TestDatabase,
    gateways: readonly [TestGateway, TestGateway],
    tokens: ReadonlyMap<string, string>,
  ) {
    this.#database = database;
    this.#gateways = gateways;
    this.#tokens = tokens;
  }

  static async open(clientIds: readonly string[]): Promise<Installation> {
    const database = await createDatabase();
    const open = (): Promise<TestGateway> => startTestGateway({ databaseUrl: database.url });
    const gateways = [await open(), await open()] as const;
    const tokens = new Map<string, string>();
    for (const id of clientIds) tokens.set(id, await gateways[0].token(["inventory:read", "inventory:write"]));
    return new Installation(database, gateways, tokens);
  }

  get databaseUrl(): string {
    return this.#database.url;
  }

  async close(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.close();
    await this.#database.drop();
  }

  /** Asks for one stock transaction. */
  async move(way: Way, command: CreateStockTransaction): Promise<HttpAnswer> {
    const { clientId, productId, action, quantity, idempotencyKey, expectedVersion, reason } = command;
    if (way.transport === "graphql") {
      const variables = { productId, action, quantity, idempotencyKey, expectedVersion, reason };
      const { data, errors } = await this.#graphql(way, clientId, moveDocument, variables);
      const [error] = errors ?? [];
      if (error !== undefined) return { code: error.extensions.code, replayed: error.extensions.replayed ?? false };
      return applied(data?.["createStockTransaction"] as Transaction);
    }
    const given = {
      ...(expectedVersion === null ? {} : { expected_version: expectedVersion }),
      ...(reason === null ? {} : { reason: reason.toLowerCase() }),
    };
    const body = { data: { type: "stock-transaction", action: action.toLowerCase(), quantity, ...given } };
    const key = idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey };
    const response = await this.#send(way, clientId, `${pathOf(productId)}/transactions`, { body, headers: key });
    const replayed = response.headers.get("idempotent-replayed") === "true";
    if (response.status !== 200) return { code: await codeOf(response), replayed };
    return { code: "APPLIED", id: ((await response.json()) as { data: { id: string } }).data.id, replayed };
  }

  /** Asks for several, in one request over GraphQL. */
  async moveAll(way: Way, commands: readonly CreateStockTransaction[], policy: BatchPolicy): Promise<HttpAnswer[]> {
    const transactions = commands.map(
      ({ productId, action, quantity, idempotencyKey, expectedVersion, reason }) =>
        ({ productId, action, quantity, idempotencyKey, expectedVersion, reason }) as const,
    );
    const clientId = commands[0]?.clientId ?? "";
    const { data, errors } = await this.#graphql(way, clientId, batchDocument, { transactions, policy });
    if (data == null) throw new Error(JSON.stringify(errors));
    return (data["createStockTransactions"] as Line[]).map(lineAnswer);
  }

  async delete(way: Way, { clientId, productId, expectedVersion }: DeleteStock): Promise<HttpAnswer> {
    if (way.transport === "graphql" || expectedVersion !== null) {
      const { data, errors } = await this.#graphql(way, clientId, deleteDocument, { productId, expectedVersion });
      const [error] = errors ?? [];
      if (data == null) return { code: error?.extensions.code ?? "" };
      const { available, version } = data["deleteStock"] as { available: number; version: number };
      return { code: "DELETED", available, version };
    }
    const response = await this.#send(way, clientId, pathOf(productId), { method: "DELETE" });
    return { code: response.status === 204 ? "DELETED" : await codeOf(response) };
  }

  /** What became of the request with a key; null where there was none. */
  async findByKey(way: Way, clientId: string, key: string): Promise<HttpAnswer | null> {
    const { data } = await this.#graphql(way, clientId, keyDocument, { key });
    const found = data?.["stockTransactionByIdempotencyKey"] as Line | null;
    return found === null ? null : lineAnswer(found);
  }

  /** Available and allocated, and over GraphQL the version; null where the product is not tracked. */
  async levels(way: Way, clientId: string, productId: string): Promise<HttpAnswer | null> {
    if (way.transport === "graphql") {
      const query = `query ($id: ID!) { stock(productId: $id) { available allocated version } }`;
      const { data } = await this.#graphql(way, clientId, query, { id: productId });
      return data?.["stock"] === null ? null : { code: "LEVELS", ...(data?.["stock"] as object) };
    }
    const response = await this.#send(way, clientId, pathOf(productId), { method: "GET" });
    if (response.status === 404) return null;
    const { data } = (await response.json()) as { data: { available: number; allocated: number } };
    return { code: "LEVELS", available: data.available, allocated: data.allocated };
  }

  async #graphql(way: Way, clientId: string, query: string, variables: object): Promise<GraphqlBody> {
    const response = await this.#send(way, clientId, "/graphql", { body: { query, variables } });
    return (await response.json()) as GraphqlBody;
  }

  #send(
    way: Way,
    clientId: string,
    path: string,
    { method = "POST", body, headers = {} }: { method?: string; body?: object; headers?: Record<string, string> },
  ): Promise<Response> {
    const authorization = `Bearer ${this.#tokens.get(clientId)}`;
    const type = body === undefined ? {} : { "content-type": "application/json" };
    return fetch(this.#gateways[way.gateway].url + path, {
      method,
      headers: { authorization, ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

function pathOf(productId: string): string {
  return `/v2/inventories/${encodeURIComponent(productId)}`;
}

function applied({ id, availableAfter, allocatedAfter, version }: Transaction): HttpAnswer {
  return { code: "APPLIED", id, available: availableAfter, allocated: allocatedAfter, version };
}

function lineAnswer({ transaction, error, replayed }: Line): HttpAnswer {
  return { ...(transaction === null ? { code: error?.code ?? "" } : applied(transaction)), replayed };
}

/** REST says it in words; all that is missing reads alike. */
async function codeOf(response: Response): Promise<string> {
  const { errors } = (await response.json()) as { errors: readonly [{ status: number; detail: string }] };
  const [{ status, detail }] = errors;
  if (status === 404) return "STOCK_NOT_FOUND";
  const found = Object.entries(refusalCatalogue).find(
    ([, entry]) => entry.detail === detail && entry.status === status,
  );
  return found?.[0] ?? `${status} ${detail}`;
}
