import type { Refusal } from "../inventory/errors.ts";
import type {
  InventoryQueries,
  Page,
  StockFilter,
  StockList,
  StockTransactionFilter,
  StockTransactionList,
} from "../inventory/queries.ts";
import type { StockTransaction, StockTransactionOutcome } from "../inventory/stock-transaction.ts";
import type { Stock } from "../inventory/stock.ts";
import { whileAvailable } from "./availability.ts";
import type { PrismaClient } from "./generated/client.ts";
import { GatheredRead } from "./gathered-read.ts";
import { countHistories, listHistories } from "./history-queries.ts";
import type { ReplicaReader } from "./replica.ts";
import { toStockTransaction } from "./rows.ts";
import type { StockTransactionRow } from "./rows.ts";
import { countStocks, findStockAt, findStocks, listStocks } from "./stock-queries.ts";
import { countStockTransactions, findStockTransactions, listStockTransactions } from "./stock-transaction-queries.ts";

/**
 * Answers every question about the inventory with one statement; the stocks that many ask for at the same time share theirs.
 *
 * A replica answers, where there is one, whatever is a matter of rows alone. The ledger's own order is not: where it ends is
 * told by what runs on the primary. Nor is what became of a key, for which its row is locked.
 */
export class PrismaInventoryQueries implements InventoryQueries {
  readonly #primary: PrismaClient;
  readonly #replica: ReplicaReader | null;
  readonly #stocks: GatheredRead<string, Stock | null>;

  constructor(primary: PrismaClient, replica: ReplicaReader | null = null) {
    this.#primary = primary;
    this.#replica = replica;
    this.#stocks = new GatheredRead((productIds) => this.#read((prisma) => findStocks(prisma, productIds)));
  }

  findStocks(productIds: readonly string[]): Promise<readonly (Stock | null)[]> {
    return this.#stocks.get(productIds);
  }

  async findStockAt(productId: string, at: Date): Promise<Stock | null> {
    return this.#read((prisma) => findStockAt(prisma, productId, at));
  }

  async listStocks(list: StockList): Promise<Page<Stock>> {
    return this.#read((prisma) => listStocks(prisma, list));
  }

  async countStocks(filter: StockFilter): Promise<number> {
    return this.#read((prisma) => countStocks(prisma, filter));
  }

  async findStockTransactions(ids: readonly string[]): Promise<(StockTransaction | null)[]> {
    return this.#read((prisma) => findStockTransactions(prisma, ids));
  }

  async listStockTransactions(list: StockTransactionList): Promise<Page<StockTransaction>> {
    const query = (prisma: PrismaClient): Promise<Page<StockTransaction>> => listStockTransactions(prisma, list);
    return list.orderBy === "OLDEST_FIRST" ? read(() => query(this.#primary)) : this.#read(query);
  }

  async countStockTransactions(filter: StockTransactionFilter): Promise<number> {
    return this.#read((prisma) => countStockTransactions(prisma, filter));
  }

  async listHistories(productIds: readonly string[], list: StockTransactionList): Promise<Page<StockTransaction>[]> {
    return this.#read((prisma) => listHistories(prisma, productIds, list));
  }

  async countHistories(productIds: readonly string[], filter: StockTransactionFilter): Promise<number[]> {
    return this.#read((prisma) => countHistories(prisma, productIds, filter));
  }

  async findOutcome(clientId: string, idempotencyKey: string): Promise<StockTransactionOutcome | null> {
    return read(() => findOutcome(this.#primary, clientId, idempotencyKey));
  }

  #read<T>(query: (prisma: PrismaClient) => Promise<T>): Promise<T> {
    const replica = this.#replica;
    return read(() => (replica === null ? query(this.#primary) : replica.read(query)));
  }
}

type OutcomeRow = { readonly refusal: Refusal } | (StockTransactionRow & { readonly refusal: null });

/**
 * Tells for good what became of a request: so the row is locked, which makes the statement wait until what it found is
 * replicated, where it has to be.
 */
async function findOutcome(
  prisma: PrismaClient,
  clientId: string,
  idempotencyKey: string,
): Promise<StockTransactionOutcome | null> {
  const [row] = await prisma.$queryRaw<OutcomeRow[]>`
    SELECT spent.refusal, ledger.*
    FROM spent_key AS spent
    LEFT JOIN stock_transaction AS ledger ON ledger.product_id = spent.product_id AND ledger.version = spent.version
    WHERE spent.client_id = ${clientId} AND spent.idempotency_key = ${idempotencyKey}
    FOR KEY SHARE OF spent`;
  if (row === undefined) return null;
  return row.refusal === null
    ? { kind: "applied", transaction: toStockTransaction(row), replayed: true }
    : { kind: "refused", refusal: row.refusal, replayed: true };
}

/** A read changes nothing: whatever went wrong with it, it may be asked again. */
function read<T>(query: () => Promise<T>): Promise<T> {
  return whileAvailable(query, "The database can't be read at the moment");
}
