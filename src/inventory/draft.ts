import type { Command, CreateStockTransaction, DeleteStock } from "./commands.ts";
import type { Refusal } from "./errors.ts";
import { spentKeyOf } from "./settlement.ts";
import type { SettleState, SpentKey, StockDeletion } from "./settlement.ts";
import type { Outcome, StockTransaction, StockTransactionOutcome } from "./stock-transaction.ts";
import type { Levels, Stock, StockRecord } from "./stock.ts";

/** Levels and keys as they stand after the commands so far, and what has to be written for them. */
export class Draft {
  readonly transactions: StockTransaction[] = [];
  readonly deletions: StockDeletion[] = [];
  readonly spentKeys = new Map<string, SpentKey>();
  readonly #stocks = new Map<string, StockRecord>();
  readonly #state: SettleState;
  readonly #now: Date;
  readonly #base: Draft | null;

  constructor(state: SettleState, now: Date, base: Draft | null = null) {
    this.#state = state;
    this.#now = now;
    this.#base = base;
  }

  /** A draft on top of this one, which it changes only when merged. */
  branch(): Draft {
    return new Draft(this.#state, this.#now, this);
  }

  merge(branch: Draft): void {
    for (const [productId, stock] of branch.#stocks) this.#stocks.set(productId, stock);
    for (const [key, spent] of branch.spentKeys) this.spentKeys.set(key, spent);
    for (const transaction of branch.transactions) this.transactions.push(transaction);
    for (const deletion of branch.deletions) this.deletions.push(deletion);
  }

  findStock(productId: string): StockRecord | null {
    return this.#stocks.get(productId) ?? this.#base?.findStock(productId) ?? this.#state.stocks.get(productId) ?? null;
  }

  findResolved(commandId: string): Outcome | null {
    return this.#state.resolved.get(commandId) ?? null;
  }

  /** The outcome that the command has had already: through its key, or in an attempt whose commit was not acknowledged. */
  findEarlier(command: CreateStockTransaction): Outcome | null {
    const resolved = this.findResolved(command.id);
    if (resolved !== null) return resolved;
    if (command.idempotencyKey === null) return null;
    const spent = this.#findSpentKey(spentKeyOf(command.clientId, command.idempotencyKey));
    if (spent === null) return null;
    if (spent.fingerprint !== command.fingerprint)
      return { kind: "refused", refusal: keyReused(command), replayed: false };
    return { replayed: spent.commandId !== command.id, ...spent.outcome };
  }

  apply(command: CreateStockTransaction, levels: Levels, before: StockRecord | null): Outcome {
    const createdAt = notBefore(this.#now, before?.updatedAt);
    const version = (before?.version ?? 0) + 1;
    const transaction: StockTransaction = {
      id: command.id,
      productId: command.productId,
      action: command.action,
      quantity: command.quantity,
      availableAfter: levels.available,
      allocatedAfter: levels.allocated,
      version,
      reason: command.reason,
      reference: command.reference,
      note: command.note,
      actor: command.clientId,
      idempotencyKey: command.idempotencyKey,
      createdAt,
    };
    this.transactions.push(transaction);
    this.#stocks.set(command.productId, {
      productId: command.productId,
      available: levels.available,
      allocated: levels.allocated,
      version,
      tracked: true,
      createdAt: before?.tracked ? before.createdAt : createdAt,
      updatedAt: createdAt,
    });
    return this.#spend(command, { kind: "applied", transaction });
  }

  delete(command: DeleteStock, stock: StockRecord): Outcome {
    const deletedAt = notBefore(this.#now, stock.updatedAt);
    const { productId, version, available } = stock;
    this.deletions.push({
      id: command.id,
      productId,
      version,
      available,
      actor: command.clientId,
      createdAt: deletedAt,
    });
    this.#stocks.set(productId, { ...stock, available: 0, allocated: 0, tracked: false, updatedAt: deletedAt });
    return { kind: "deleted", stock: toStock(stock) };
  }

  /** A refusal is an outcome like any other: it spends the command's key. */
  refuse(command: Command, refusal: Refusal): Outcome {
    return command.kind === "create-stock-transaction"
      ? this.#spend(command, { kind: "refused", refusal })
      : { kind: "refused", refusal, replayed: false };
  }

  changedStocks(): { stock: StockRecord; versionBefore: number }[] {
    return [...this.#stocks.values()].map((stock) => ({
      stock,
      versionBefore: this.#state.stocks.get(stock.productId)?.version ?? 0,
    }));
  }

  #findSpentKey(key: string): SpentKey | null {
    const drafted = this.spentKeys.get(key) ?? (this.#base === null ? null : this.#base.#findSpentKey(key));
    return drafted ?? this.#state.spentKeys.get(key) ?? null;
  }

  #spend(command: CreateStockTransaction, outcome: SpentKey["outcome"]): StockTransactionOutcome {
    const { clientId, idempotencyKey, fingerprint } = command;
    if (idempotencyKey !== null) {
      const spent = { clientId, idempotencyKey, fingerprint, commandId: command.id, outcome, createdAt: this.#now };
      this.spentKeys.set(spentKeyOf(clientId, idempotencyKey), spent);
    }
    return { replayed: false, ...outcome };
  }
}

function keyReused(command: CreateStockTransaction): Refusal {
  const { productId, action, quantity } = command;
  return {
    code: "IDEMPOTENCY_KEY_REUSED",
    productId,
    action,
    requested: quantity,
    available: null,
    allocated: null,
    version: null,
  };
}

function toStock({ productId, available, allocated, version, createdAt, updatedAt }: StockRecord): Stock {
  return { productId, available, allocated, version, createdAt, updatedAt };
}

/** A clock may be set back; a product's history never runs backwards. */
function notBefore(now: Date, earlier: Date | undefined): Date {
  return earlier !== undefined && earlier > now ? earlier : now;
}
