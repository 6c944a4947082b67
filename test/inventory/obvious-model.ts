import type { CommandBatch, CreateStockTransaction, DeleteStock } from "../../src/inventory/commands.ts";
import type { StockErrorCode } from "../../src/inventory/errors.ts";

/** What happened to a product, as the model remembers it: everything, from the first day. */
interface Event {
  readonly productId: string;
  readonly kind: "stock-transaction" | "deletion";
  readonly availableChange: number;
  readonly allocatedChange: number;
}

interface RememberedKey {
  readonly clientId: string;
  readonly idempotencyKey: string;
  readonly arguments: string;
  readonly answer: ModelAnswer;
}

/** An answer, reduced to what has to agree. */
export type ModelAnswer =
  | {
      readonly code: "APPLIED";
      readonly id: string;
      readonly available: number;
      readonly allocated: number;
      readonly version: number;
    }
  | { readonly code: "DELETED"; readonly available: number; readonly version: number }
  | { readonly code: StockErrorCode };

/**
 * The inventory as one would explain it: a list of events that is added up anew for every question, keys that are looked
 * for one by one, one command after another, and for an all-or-nothing batch a copy of the whole world.
 */
export class ObviousModel {
  events: Event[] = [];
  keys: RememberedKey[] = [];

  run({ policy, commands }: CommandBatch): ModelAnswer[] {
    if (policy === "EACH") return commands.map((command) => this.#one(command));
    const world = { events: [...this.events], keys: [...this.keys] };
    const answers = commands.map((command) => this.#one(command));
    if (answers.every(({ code }) => code === "APPLIED" || code === "DELETED")) return answers;
    this.events = world.events;
    this.keys = world.keys;
    return commands.map((command, index) => {
      const own = answers[index];
      const code: StockErrorCode =
        own === undefined || own.code === "APPLIED" || own.code === "DELETED" ? "BATCH_NOT_APPLIED" : own.code;
      return command.kind === "delete-stock" ? { code } : this.#withKey(command, () => ({ code }));
    });
  }

  levels(productId: string): { tracked: boolean; available: number; allocated: number; version: number } {
    let [tracked, available, allocated, version] = [false, 0, 0, 0];
    for (const event of this.events) {
      if (event.productId !== productId) continue;
      tracked = event.kind === "stock-transaction";
      available = tracked ? available + event.availableChange : 0;
      allocated = tracked ? allocated + event.allocatedChange : 0;
      version += tracked ? 1 : 0;
    }
    return { tracked, available, allocated, version };
  }

  #one(command: CreateStockTransaction | DeleteStock): ModelAnswer {
    return command.kind === "delete-stock" ? this.#delete(command) : this.#withKey(command, () => this.#move(command));
  }

  #withKey(command: CreateStockTransaction, answer: () => ModelAnswer): ModelAnswer {
    const { id: _id, fingerprint: _fingerprint, kind: _kind, clientId, ...rest } = command;
    const asked = JSON.stringify(rest);
    if (command.idempotencyKey === null) return answer();
    for (const key of this.keys) {
      if (key.clientId !== clientId || key.idempotencyKey !== command.idempotencyKey) continue;
      return key.arguments === asked ? key.answer : { code: "IDEMPOTENCY_KEY_REUSED" };
    }
    const first = answer();
    this.keys.push({ clientId, idempotencyKey: command.idempotencyKey, arguments: asked, answer: first });
    return first;
  }

  #move(command: CreateStockTransaction): ModelAnswer {
    const { productId, action, quantity } = command;
    const now = this.levels(productId);
    if (action === "CREATE" && now.tracked) return { code: "STOCK_ALREADY_EXISTS" };
    if (action !== "CREATE" && action !== "INCREMENT" && !now.tracked) return { code: "STOCK_NOT_FOUND" };
    if (command.expectedVersion !== null && command.expectedVersion !== now.version) return { code: "STALE_VERSION" };
    let [availableChange, allocatedChange] = [quantity, 0];
    if (action === "DECREMENT") availableChange = -quantity;
    if (action === "ALLOCATE") [availableChange, allocatedChange] = [-quantity, quantity];
    if (action === "DEALLOCATE") [availableChange, allocatedChange] = [quantity, -quantity];
    const [available, allocated] = [now.available + availableChange, now.allocated + allocatedChange];
    if (available < 0 || allocated < 0) return { code: "INSUFFICIENT_STOCK" };
    if (available + allocated > 2_147_483_647) return { code: "QUANTITY_OUT_OF_RANGE" };
    this.events.push({ productId, kind: "stock-transaction", availableChange, allocatedChange });
    return { code: "APPLIED", id: command.id, available, allocated, version: now.version + 1 };
  }

  #delete({ productId, expectedVersion }: DeleteStock): ModelAnswer {
    const now = this.levels(productId);
    if (!now.tracked) return { code: "STOCK_NOT_FOUND" };
    if (expectedVersion !== null && expectedVersion !== now.version) return { code: "STALE_VERSION" };
    if (now.allocated > 0) return { code: "STOCK_STILL_ALLOCATED" };
    this.events.push({ productId, kind: "deletion", availableChange: 0, allocatedChange: 0 });
    return { code: "DELETED", available: now.available, version: now.version };
  }
}
