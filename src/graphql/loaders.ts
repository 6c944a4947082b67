import DataLoader from "dataloader";
import type { InventoryQueries, Page, StockTransactionFilter, StockTransactionList } from "../inventory/queries.ts";
import type { StockTransaction } from "../inventory/stock-transaction.ts";
import type { Stock } from "../inventory/stock.ts";

/** One product's part of a question that is asked of many products at once. */
interface ForProduct<Question> {
  readonly productId: string;
  readonly question: Question;
}

/**
 * Gather what the fields of one request ask for into one statement each time. They remember nothing: a request may
 * change stock and then read it. Each is made when it is first asked for, and most requests ask for none.
 */
export class Loaders {
  readonly #queries: InventoryQueries;
  #stock: DataLoader<string, Stock | null> | undefined;
  #history: DataLoader<ForProduct<StockTransactionList>, Page<StockTransaction>> | undefined;
  #historyCount: DataLoader<ForProduct<StockTransactionFilter>, number> | undefined;

  /** For one request. */
  constructor(queries: InventoryQueries) {
    this.#queries = queries;
  }

  /** Each product's stock as it is now; null where it is not tracked. */
  get stock(): DataLoader<string, Stock | null> {
    return (this.#stock ??= createLoader((productIds) => this.#queries.findStocks(productIds)));
  }

  get history(): DataLoader<ForProduct<StockTransactionList>, Page<StockTransaction>> {
    return (this.#history ??= createLoader((keys) =>
      byQuestion(keys, (productIds, list) => this.#queries.listHistories(productIds, list)),
    ));
  }

  get historyCount(): DataLoader<ForProduct<StockTransactionFilter>, number> {
    return (this.#historyCount ??= createLoader((keys) =>
      byQuestion(keys, (productIds, filter) => this.#queries.countHistories(productIds, filter)),
    ));
  }
}

function createLoader<Key, Value>(load: DataLoader.BatchLoadFn<Key, Value>): DataLoader<Key, Value> {
  return new DataLoader(load, { cache: false });
}

/**
 * Asks each different question once, for all products that it was asked of: the arguments of a field are the same for
 * every item of a list, so that is one statement a field. A question that fails leaves the others their answers.
 */
async function byQuestion<Question, Answer>(
  keys: readonly ForProduct<Question>[],
  ask: (productIds: readonly string[], question: Question) => Promise<readonly Answer[]>,
): Promise<(Answer | Error)[]> {
  const groups = new Map<string, { question: Question; productIds: Set<string> }>();
  for (const { productId, question } of keys) {
    const name = JSON.stringify(question);
    const group = groups.get(name) ?? { question, productIds: new Set() };
    group.productIds.add(productId);
    groups.set(name, group);
  }
  const answers = new Map<string, Map<string, Answer> | Error>();
  await Promise.all(
    [...groups].map(async ([name, { question, productIds }]) => {
      answers.set(name, await answersOf([...productIds], question, ask));
    }),
  );
  return keys.map(({ productId, question }) => {
    const group = answers.get(JSON.stringify(question));
    if (group instanceof Error) return group;
    return group?.get(productId) ?? new Error(`There is no answer for the product ${productId}`);
  });
}

async function answersOf<Question, Answer>(
  productIds: readonly string[],
  question: Question,
  ask: (productIds: readonly string[], question: Question) => Promise<readonly Answer[]>,
): Promise<Map<string, Answer> | Error> {
  try {
    const answers = await ask(productIds, question);
    return new Map(answers.map((answer, index) => [productIds[index] ?? "", answer]));
  } catch (error) {
    return error instanceof Error ? error : new Error("A question was not answered", { cause: error });
  }
}
