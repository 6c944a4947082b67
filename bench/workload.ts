import { CursorCodec, textPart } from "../src/database/cursor.ts";
import { Random } from "./random.ts";

/** One request, sent by POST. */
export interface BenchRequest {
  readonly path: string;
  /** JSON, in one line. */
  readonly body: string;
}

/** What is sent, request after request, and how its answers are recognised. */
export interface Workload {
  /** How many stock transactions one request asks for; null where it reads. */
  readonly linesPerRequest: number | null;
  /** Sent in this order by whichever connection is free, then from the beginning; the same in every run. */
  readonly requests: readonly BenchRequest[];
  /** What the body of every answer has to begin with. Besides, none may hold anything of {@link signsOfFailure}. */
  readonly answerBeginsWith: string;
}

/** An error beside `data`, and a line of a batch that was refused. */
export const signsOfFailure = ['"errors":', '"error":{'] as const;

/** So many stock transactions, or reads, before a workload begins again. */
const sequenceLength = 20_000;
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

/** The same as PostGraphile makes a mutation of the function move_stock. */
export function postgraphileMutationsOn(products: number): Workload {
  return graphqlWorkload({
    linesPerRequest: 1,
    operationName: "Move",
    document:
      "mutation Move($productId: String!, $action: StockAction!, $quantity: Int!) {" +
      " moveStock(input: {movedProductId: $productId, movedAction: $action, movedQuantity: $quantity}) { result" +
      " { rowId productId action quantity availableAfter allocatedAfter version createdAt } } }",
    variablesFrom: (random) => anyLine(random, products),
    answerBeginsWith: '{"data":{"moveStock":{"result":{"',
  });
}

/** The same in batches, all or nothing. */
export function batchesOn(products: number, linesPerRequest: number): Workload {
  return graphqlWorkload({
    linesPerRequest,
    operationName: "MoveAll",
    document:
      "mutation MoveAll($transactions: [StockTransactionInput!]!) { createStockTransactions(transactions: $transactions)" +
      " { transaction { id availableAfter allocatedAfter version } error { code detail } } }",
    variablesFrom: (random) => ({
      transactions: Array.from({ length: linesPerRequest }, () => anyLine(random, products)),
    }),
    answerBeginsWith: '{"data":{"createStockTransactions":[{"transaction":{"',
  });
}

/** Single increments over REST, on the first so many products. */
export function restIncrementsOn(products: number): Workload {
  return {
    linesPerRequest: 1,
    requests: sequence(sequenceLength, (random) => ({
      path: `/v2/inventories/${productIdOf(random.below(products))}/transactions`,
      body: JSON.stringify({
        data: { type: "stock-transaction", action: "increment", quantity: 1 + random.below(quantityMax) },
      }),
    })),
    answerBeginsWith: '{"data":{',
  };
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

/** What one page of {@link pagesOf} has. */
export const pageSize = { stocks: 20, transactionsOfEach: 3 } as const;
const cursors = new CursorCodec("stocks:PRODUCT_ID", [textPart]);

/** Pages of stocks with the newest of their stock transactions, from anywhere among so many products. */
export function pagesOf(products: number): Workload {
  return graphqlWorkload({
    linesPerRequest: null,
    operationName: "Page",
    document:
      `query Page($after: String) { stocks(first: ${pageSize.stocks}, after: $after) {` +
      " nodes { productId available allocated total version updatedAt" +
      ` transactions(first: ${pageSize.transactionsOfEach})` +
      " { nodes { id action quantity availableAfter allocatedAfter version createdAt } } }" +
      " pageInfo { hasNextPage endCursor } } }",
    variablesFrom: (random) => ({ after: cursors.encode([productIdOf(random.below(products - pageSize.stocks))]) }),
    answerBeginsWith: '{"data":{"stocks":{"nodes":[{"',
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
function graphqlWorkload({ document, operationName, variablesFrom, ...rest }: GraphqlRequests): Workload {
  const requests = sequence(sequenceLength / (rest.linesPerRequest ?? 1), (random) => ({
    path: "/graphql",
    body: JSON.stringify({ query: document, operationName, variables: variablesFrom(random) }),
  }));
  return { ...rest, requests };
}

function sequence(length: number, requestFrom: (random: Random) => BenchRequest): BenchRequest[] {
  const random = new Random(1);
  return Array.from({ length }, () => requestFrom(random));
}

function anyLine(random: Random, products: number): object {
  return {
    productId: productIdOf(random.below(products)),
    action: actions[random.below(actions.length)],
    quantity: 1 + random.below(quantityMax),
  };
}
