import { actionEffects } from "./actions.ts";
import type { Command, CommandBatch, CreateStockTransaction, DeleteStock } from "./commands.ts";
import type { Refusal, StockErrorCode } from "./errors.ts";
import type { Outcome, StockTransaction, StockTransactionOutcome } from "./stock-transaction.ts";
import { levelMax, totalOf } from "./stock.ts";
import type { Stock, StockRecord } from "./stock.ts";

/** What an idempotency key was spent on: from then on it is answered with this. */
export interface SpentKey {
  readonly clientId: string;
  readonly idempotencyKey: string;
  readonly fingerprint: string;
  /** The attempt that spent it. */
  readonly commandId: string;
  readonly outcome:
    | { readonly kind: "applied"; readonly transaction: StockTransaction }
    | { readonly kind: "refused"; readonly refusal: Refusal };
  readonly createdAt: Date;
}

/** The end of a time in which a product was tracked. */
export interface StockDeletion {
  /** UUID v7 of the command. */
  readonly id: string;
  readonly productId: string;
  /** The product's version then; a deletion doesn't change it. */
  readonly version: number;
  /** The units that were left. */
  readonly available: number;
  readonly actor: string;
  readonly createdAt: Date;
}

/** What {@link settle} decides on: read under the row locks, in the database transaction that writes the decision. */
export interface SettleState {
  /** By product id; a product that never had stock is absent. */
  readonly stocks: ReadonlyMap<string, StockRecord>;
  /** By {@link spentKeyOf}. */
  readonly spentKeys: ReadonlyMap<string, SpentKey>;
  /** By command id: what an earlier attempt at these commands turns out to have written. */
  readonly resolved: ReadonlyMap<string, Outcome>;
}

/** What one group of commands comes to: an answer for each, and all that has to be written. */
export interface Settlement {
  /** By batch, then by command, in the order given. */
  readonly outcomes: readonly (readonly Outcome[])[];
  /** The changed stocks, each with the version it was read with (0: there was none). */
  readonly stocks: readonly { readonly stock: StockRecord; readonly versionBefore: number }[];
  /** In version order for each product. */
  readonly transactions: readonly StockTransaction[];
  readonly deletions: readonly StockDeletion[];
  readonly spentKeys: readonly SpentKey[];
}

/** Whether there is nothing to write: every command was refused, or answered with an earlier outcome. */
export function isEmptySettlement({ stocks, transactions, deletions, spentKeys }: Settlement): boolean {
  return stocks.length + transactions.length + deletions.length + spentKeys.length === 0;
}

/** The map key of a client's idempotency key. Neither part can hold a line break. */
export function spentKeyOf(clientId: string, idempotencyKey: string): string {
  return `${clientId}\n${idempotencyKey}`;
}

/**
 * Decides a group of commands as if they had come one after another, in the order given: the rules of the inventory.
 * Pure: it reads no clock and no database, and the same arguments give the same settlement.
 * @param now the instant of the decision; a stock transaction is never dated before the one it follows
 */
export function settle(state: SettleState, batches: readonly CommandBatch[], now: Date): Settlement {
  const group = new Draft(state, now);
  const outcomes = batches.map((batch) => settleBatch(group, batch));
  return {
    outcomes,
    stocks: group.changedStocks(),
    transactions: group.transactions,
    deletions: group.deletions,
    spentKeys: [...group.spentKeys.values()],
  };
}

function settleBatch(group: Draft, { policy, commands }: CommandBatch): Outcome[] {
  if (policy === "EACH" || commands.length === 1) return commands.map((command) => settleCommand(group, command));

  const attempt = group.branch();
  const outcomes = commands.map((command) => settleCommand(attempt, command));
  if (!outcomes.some((outcome) => outcome.kind === "refused")) {
    group.merge(attempt);
    return outcomes;
  }
  const rejected = group.branch();
  const answers = commands.map((command, index) => rejectWithBatch(rejected, command, outcomes[index]));
  group.merge(rejected);
  return answers;
}

/** Answers a line of a batch that is not applied: with its own refusal, or with that of its neighbours. */
function rejectWithBatch(draft: Draft, command: Command, attempted: Outcome | undefined): Outcome {
  if (command.kind === "create-stock-transaction") {
    const earlier = draft.findEarlier(command);
    if (earlier !== null) return earlier;
  }
  if (attempted?.kind === "refused") return draft.refuse(command, attempted.refusal);
  return draft.refuse(command, refusalOf(command, "BATCH_NOT_APPLIED", draft.findStock(command.productId)));
}

function settleCommand(draft: Draft, command: Command): Outcome {
  return command.kind === "delete-stock" ? settleDeletion(draft, command) : settleStockTransaction(draft, command);
}

function settleStockTransaction(draft: Draft, command: CreateStockTransaction): Outcome {
  const earlier = draft.findEarlier(command);
  if (earlier !== null) return earlier;

  const stock = draft.findStock(command.productId);
  const effect = actionEffects[command.action];
  const tracked = stock?.tracked ?? false;
  if (tracked && effect.tracked === "refuse") return draft.refuse(command, refusalOf(command, "STOCK_ALREADY_EXISTS", stock));
  if (!tracked && effect.untracked === "refuse") return draft.refuse(command, refusalOf(command, "STOCK_NOT_FOUND", stock));
  if (isStale(command, stock)) return draft.refuse(command, refusalOf(command, "STALE_VERSION", stock));

  const levels = {
    available: (stock?.available ?? 0) + effect.available * command.quantity,
    allocated: (stock?.allocated ?? 0) + effect.allocated * command.quantity,
  };
  if (levels.available < 0 || levels.allocated < 0) return draft.refuse(command, refusalOf(command, "INSUFFICIENT_STOCK", stock));
  if (totalOf(levels) > levelMax) return draft.refuse(command, refusalOf(command, "QUANTITY_OUT_OF_RANGE", stock));
  return draft.apply(command, levels, stock);
}

function settleDeletion(draft: Draft, command: DeleteStock): Outcome {
  const resolved = draft.findResolved(command.id);
  if (resolved !== null) return resolved;

  const stock = draft.findStock(command.productId);
  if (stock === null || !stock.tracked) return draft.refuse(command, refusalOf(command, "STOCK_NOT_FOUND", stock));
  if (isStale(command, stock)) return draft.refuse(command, refusalOf(command, "STALE_VERSION", stock));
  if (stock.allocated > 0) return draft.refuse(command, refusalOf(command, "STOCK_STILL_ALLOCATED", stock));
  return draft.delete(command, stock);
}

function isStale(command: Command, stock: StockRecord | null): boolean {
  return command.expectedVersion !== null && command.expectedVersion !== (stock?.version ?? 0);
}

function refusalOf(command: Command, code: StockErrorCode, stock: StockRecord | null): Refusal {
  const isTracked = stock !== null && stock.tracked;
  return {
    code,
    productId: command.productId,
    action: command.kind === "create-stock-transaction" ? command.action : null,
    requested: command.kind === "create-stock-transaction" ? command.quantity : null,
    available: isTracked ? stock.available : null,
    allocated: isTracked ? stock.allocated : null,
    version: stock?.version ?? 0,
  };
}

/** Levels and keys as they stand after the commands so far, and what has to be written for them. */
class Draft {
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
    if (spent.fingerprint !== command.fingerprint) return { kind: "refused", refusal: keyReused(command), replayed: false };
    return { ...spent.outcome, replayed: spent.commandId !== command.id };
  }

  apply(command: CreateStockTransaction, levels: { available: number; allocated: number }, before: StockRecord | null): Outcome {
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
      ...levels,
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
    this.deletions.push({ id: command.id, productId, version, available, actor: command.clientId, createdAt: deletedAt });
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
    return { ...outcome, replayed: false };
  }
}

function keyReused(command: CreateStockTransaction): Refusal {
  const { productId, action, quantity } = command;
  return { code: "IDEMPOTENCY_KEY_REUSED", productId, action, requested: quantity, available: null, allocated: null, version: null };
}

function toStock({ productId, available, allocated, version, createdAt, updatedAt }: StockRecord): Stock {
  return { productId, available, allocated, version, createdAt, updatedAt };
}

/** A clock may be set back; a product's history never runs backwards. */
function notBefore(now: Date, earlier: Date | undefined): Date {
  return earlier !== undefined && earlier > now ? earlier : now;
}
