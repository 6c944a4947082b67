import type { TestGateway } from "./gateway.ts";

/** A stock transaction as it is asked for. */
export interface Move {
  readonly productId: string;
  readonly action: string;
  readonly quantity: number;
  readonly idempotencyKey?: string;
  readonly expectedVersion?: number;
}

/** What GraphQL says of one. */
export interface Moved {
  readonly id: string;
  readonly version: number;
  readonly availableAfter: number;
  readonly allocatedAfter: number;
}

/** The answer to a move: the stock transaction, or the extensions of the one error. */
export interface MoveAnswer {
  readonly httpStatus: number;
  readonly moved: Moved | null;
  readonly refusal: Readonly<Record<string, unknown>> | null;
  readonly replayed: boolean;
}

const mutation = `
  mutation Move($productId: ID!, $action: StockAction!, $quantity: Int!, $idempotencyKey: String, $expectedVersion: Int) {
    createStockTransaction(productId: $productId, action: $action, quantity: $quantity, idempotencyKey: $idempotencyKey,
                           expectedVersion: $expectedVersion) { id version availableAfter allocatedAfter }
  }`;

/** An administrator's program that moves stock through one gateway, over HTTP. */
export class Shop {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  static async open(gateway: TestGateway): Promise<Shop> {
    return new Shop(gateway.url, await gateway.token());
  }

  /** Posts a GraphQL document and gives back the whole answer. */
  async graphql(query: string, variables: object): Promise<{ status: number; headers: Headers; body: GraphqlBody }> {
    const response = await this.#post("/graphql", { query, variables });
    return { status: response.status, headers: response.headers, body: (await response.json()) as GraphqlBody };
  }

  async move(move: Move): Promise<MoveAnswer> {
    const { status, headers, body } = await this.graphql(mutation, move);
    return {
      httpStatus: status,
      moved: (body.data?.["createStockTransaction"] as Moved | null | undefined) ?? null,
      refusal: body.errors?.[0]?.extensions ?? null,
      replayed: headers.get("idempotent-replayed") === "true",
    };
  }

  async moveAll(transactions: readonly Move[], policy: "EACH" | "ALL_OR_NOTHING"): Promise<readonly BatchLine[]> {
    const query = `mutation ($transactions: [StockTransactionInput!]!, $policy: BatchPolicy!) {
      createStockTransactions(transactions: $transactions, policy: $policy) {
        index replayed transaction { id version availableAfter allocatedAfter } error { code status available allocated requested version }
      }
    }`;
    const { body } = await this.graphql(query, { transactions, policy });
    if (body.errors !== undefined) throw new Error(JSON.stringify(body.errors));
    return body.data?.["createStockTransactions"] as readonly BatchLine[];
  }

  /** The same over REST. */
  async moveOverRest({ productId, action, quantity }: Move): Promise<number> {
    const path = `/v2/inventories/${encodeURIComponent(productId)}/transactions`;
    const data = { type: "stock-transaction", action: action.toLowerCase(), quantity };
    const response = await this.#post(path, { data });
    await response.text();
    return response.status;
  }

  async createOverRest(productId: string, quantity: number): Promise<number> {
    const response = await this.#post(`/v2/inventories/${encodeURIComponent(productId)}`, { data: { quantity } });
    await response.text();
    return response.status;
  }

  async delete(productId: string): Promise<number> {
    const url = `${this.url}/v2/inventories/${encodeURIComponent(productId)}`;
    const response = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${this.#token}` } });
    await response.text();
    return response.status;
  }

  async levels(productId: string): Promise<{ available: number; allocated: number; version: number } | null> {
    const { body } = await this.graphql(
      `query ($productId: ID!) { stock(productId: $productId) { available allocated version } }`,
      {
        productId,
      },
    );
    return body.data?.["stock"] as { available: number; allocated: number; version: number } | null;
  }

  /**
   * The cursor of the newest stock transaction of all; makes one, of the product "tip", so that there is one. Other files'
   * groups run on the same server: one that ends in the very moment of a reading puts off the newest to the next.
   */
  async tip(): Promise<string> {
    const { moved, refusal } = await this.move({ productId: "tip", action: "INCREMENT", quantity: 1 });
    if (refusal !== null) throw new Error(JSON.stringify(refusal));
    for (;;) {
      const { body } = await this.graphql(
        `{ stockTransactions(orderBy: OLDEST_FIRST, last: 100) { edges { cursor node { id } } } }`,
        {},
      );
      const page = body.data?.["stockTransactions"] as { edges: { cursor: string; node: { id: string } }[] };
      const newest = page.edges.at(-1);
      if (newest !== undefined && page.edges.some(({ node }) => node.id === moved?.id)) return newest.cursor;
    }
  }

  #post(path: string, body: object): Promise<Response> {
    return fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(body),
    });
  }
}

interface GraphqlBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** One line's outcome. */
export interface BatchLine {
  readonly index: number;
  readonly replayed: boolean;
  readonly transaction: Moved | null;
  readonly error: Readonly<Record<string, unknown>> | null;
}
