import type { StockAction } from "../../src/inventory/actions.ts";
import type { Random } from "../random.ts";
import type { Line, Operation } from "./operation.ts";

/** The products of one round: a few that everybody wants, more that few want, and ones that nobody has had yet. */
export interface Assortment {
  /** Begins every product id of the round. */
  readonly prefix: string;
  readonly hot: readonly string[];
  readonly cold: readonly string[];
}

export function createAssortment(prefix: string): Assortment {
  const idsOf = (kind: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${prefix}${kind}-${index}`);
  return { prefix, hot: idsOf("hot", 3), cold: idsOf("cold", 30) };
}

/** How often which action is asked for: so that most have enough stock, and a good part are refused. */
const actions: readonly StockAction[] = [
  ...Array.from({ length: 6 }, () => "INCREMENT" as const),
  ...Array.from({ length: 5 }, () => "ALLOCATE" as const),
  ...Array.from({ length: 4 }, () => "DECREMENT" as const),
  ...Array.from({ length: 4 }, () => "DEALLOCATE" as const),
  "CREATE",
];

/** What one client does, one operation after another: the same for the same seed. */
export class Workload {
  readonly #random: Random;
  readonly #assortment: Assortment;
  readonly #name: string;
  #lines = 0;

  /** @param name like no other client's */
  constructor(name: string, assortment: Assortment, random: Random) {
    this.#name = name;
    this.#assortment = assortment;
    this.#random = random;
  }

  next(): Operation {
    const kind = this.#random.integer(1, 100);
    if (kind <= 45) return { kind: "graphql", lines: [this.#line(this.#isKeyed())] };
    if (kind <= 65) return { kind: "rest", lines: [this.#line(this.#isKeyed())] };
    if (kind <= 79) return { kind: "batch", policy: "EACH", lines: this.#batchOf(8) };
    if (kind <= 93) return { kind: "batch", policy: "ALL_OR_NOTHING", lines: this.#batchOf(4) };
    if (kind <= 98) return { kind: "read", productId: this.#productId(), lines: [] };
    return { kind: "delete", productId: this.#random.pick(this.#assortment.cold), lines: [] };
  }

  /** Receives many units of each product. */
  restock(): Operation {
    const { hot, cold } = this.#assortment;
    return {
      kind: "batch",
      policy: "EACH",
      lines: [...hot, ...cold].map((productId) => this.#lineOf(productId, "INCREMENT", 1_000, true)),
    };
  }

  #batchOf(countMax: number): Line[] {
    return Array.from({ length: this.#random.integer(2, countMax) }, () => this.#line(true));
  }

  /** Most clients send a key; those that don't can't send again what was not answered. */
  #isKeyed(): boolean {
    return this.#random.percent(92);
  }

  #line(isKeyed: boolean): Line {
    const line = this.#lineOf(this.#productId(), this.#random.pick(actions), this.#random.integer(1, 20), isKeyed);
    return this.#random.percent(4) ? { ...line, expectedVersion: this.#random.integer(0, 40) } : line;
  }

  #lineOf(productId: string, action: StockAction, quantity: number, isKeyed: boolean): Line {
    this.#lines += 1;
    const reference = `${this.#name}-${this.#lines}`;
    return {
      reference,
      productId,
      action,
      quantity,
      idempotencyKey: isKeyed ? reference : null,
      expectedVersion: null,
    };
  }

  #productId(): string {
    const { hot, cold, prefix } = this.#assortment;
    const kind = this.#random.integer(1, 100);
    if (kind <= 45) return this.#random.pick(hot);
    if (kind <= 97) return this.#random.pick(cold);
    // Several may be the first to want it, each through another gateway.
    return `${prefix}new-${Math.floor(this.#lines / 5)}`;
  }
}
