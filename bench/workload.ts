/** What one connection sends, request after request, and how its answers are recognised. */
export interface Workload {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** @returns the bodies of one connection's requests, without end; each connection has a sequence of its own, the same in every run */
  bodiesOf(connection: number): () => string;
  /** Whether a body says that the request was carried out. Called for every answer, so it only looks. */
  isSuccess(body: string): boolean;
}

const document =
  "mutation Move($productId: ID!, $action: StockAction!, $quantity: Int!) {" +
  " createStockTransaction(productId: $productId, action: $action, quantity: $quantity)" +
  " { id productId action quantity availableAfter allocatedAfter version createdAt } }";

/** On average they cancel out, so that no product runs out or overflows, however long the run. */
const actions = ["INCREMENT", "ALLOCATE", "DEALLOCATE", "DECREMENT"] as const;
const quantityMax = 5;

/** The id of one of the seeded products. */
export function productIdOf(index: number): string {
  return `product-${String(index).padStart(6, "0")}`;
}

/** Single stock transactions of any action and a small quantity, on the first so many products, each as likely as the others. */
export function mutationsOn(products: number): Workload {
  return {
    path: "/graphql",
    headers: { "content-type": "application/json" },
    bodiesOf: (connection) => {
      const random = randomFrom(connection + 1);
      const below = (bound: number): number => Math.floor(random() * bound);
      return () => {
        const variables = {
          productId: productIdOf(below(products)),
          action: actions[below(actions.length)],
          quantity: 1 + below(quantityMax),
        };
        return JSON.stringify({ query: document, operationName: "Move", variables });
      };
    },
    isSuccess: (body) => body.startsWith('{"data":{"createStockTransaction":{"') && !body.includes('"errors"'),
  };
}

/** Mulberry32: numbers from 0 to below 1 that look random and are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
