import { Random } from "./random.ts";

/** One request of a connection. */
export interface BenchRequest {
  readonly method: "POST";
  readonly path: string;
  /** JSON. */
  readonly body: string;
}

/** What one connection sends, request after request, and how its answers are recognised. */
export interface Workload {
  /** How many stock transactions one request asks for; null where it reads. */
  readonly linesPerRequest: number | null;
  /** @returns one connection's requests, without end; each connection has a sequence of its own, the same in every run */
  requestsOf(connection: number): () => BenchRequest;
  /** Whether a body says that the request was carried out. Called for every answer, so it only looks. */
  isSuccess(body: string): boolean;
}

/** On average they cancel out, so that no product runs out or overflows, however long the run. */
const actions = ["INCREMENT", "ALLOCATE", "DEALLOCATE", "DECREMENT"] as const;
const quantityMax = 5;

/** The id of one of the seeded products. */
export function productIdOf(index: number): string {
  return `product-${String(index).padStart(6, "0")}`;
}

/** Single stock transactions of any action and a small quantity, on the first so many products, each as likely as the others. */
export function mutationsOn(products: number): Workload {
  return graphqlWorkload({
    linesPerRequest: 1,
    operationName: "Move",
    document:
      "mutation Move($productId: ID!, $action: StockAction!, $quantity: Int!) {" +
      " createStockTransaction(productId: $productId, action: $action, quantity: $quantity)" +
      " { id productId action quantity availableAfter allocatedAfter version createdAt } }",
    variablesFrom: (random) => anyLine(random, products),
    answerBeginsWith: '{"data":{"createStockTransaction":{"',
  });
}

/** The stock of one of the first so many products. */
export function stocksOf(products: number): Workload {
  return graphqlWorkload({
    linesPerRequest: null,
    operationName: "Look",
    document:
      "query Look($productId: ID!) { stock(productId: $productId) { productId available allocated total version updatedAt } }",
    variablesFrom: (random) => ({ productId: productIdOf(random.below(products)) }),
    answerBeginsWith: '{"data":{"stock":{"',
  });
}

interface GraphqlRequests {
  readonly linesPerRequest: number | null;
  readonly operationName: string;
  readonly document: string;
  readonly variablesFrom: (random: Random) => object;
  readonly answerBeginsWith: string;
}

/** One document, sent each time with other variables. */
function graphqlWorkload({ document, operationName, ...requests }: GraphqlRequests): Workload {
  return {
    linesPerRequest: requests.linesPerRequest,
    requestsOf: (connection) => {
      const random = new Random(connection + 1);
      return () => ({
        method: "POST",
        path: "/graphql",
        body: JSON.stringify({ query: document, operationName, variables: requests.variablesFrom(random) }),
      });
    },
    isSuccess: (body) => body.startsWith(requests.answerBeginsWith) && !body.includes('"errors"'),
  };
}

function anyLine(random: Random, products: number): object {
  return {
    productId: productIdOf(random.below(products)),
    action: actions[random.below(actions.length)],
    quantity: 1 + random.below(quantityMax),
  };
}
