import { actionEffects } from "../src/inventory/actions.ts";
import type { Command, CommandBatch, CreateStockTransaction } from "../src/inventory/commands.ts";
import type { StockErrorCode } from "../src/inventory/errors.ts";
import type { Settler } from "../src/inventory/inventory.ts";
import type { Outcome, StockTransaction } from "../src/inventory/stock-transaction.ts";
import type { Levels } from "../src/inventory/stock.ts";
import { createPrisma } from "../src/database/prisma.ts";

type Prisma = ReturnType<typeof createPrisma>;

/**
 * What `pg` opens when nobody says how many, and so what most installations run with. On two cores more of them do not
 * make it faster: they wait for the same processor, and on one product for the same row.
 */
const poolSize = 10;

/**
 * The resolver that most people would write: one interactive transaction per stock transaction that finds the stock,
 * checks it, updates it and creates the ledger's row. It stands where group commit does, so that HTTP, access control
 * and GraphQL around it are the same.
 *
 * It knows single stock transactions without idempotency key and expectedVersion, which is all that the benchmark sends.
 * As written by most people it is not even right: between finding and updating others may take the last units, and only
 * the CHECKs of the table stand in the way, with an error that is nobody's refusal.
 */
export class UsualResolver implements Settler {
  readonly #prisma: Prisma;
  /** A place for the ledger's order, which the schema wants. A counter is the cheapest way to one. */
  #position: bigint;

  private constructor(prisma: Prisma, position: bigint) {
    this.#prisma = prisma;
    this.#position = position;
  }

  static async open(databaseUrl: string): Promise<UsualResolver> {
    const prisma = createPrisma(databaseUrl, { poolSize, name: "usual resolver", preparesStatements: false });
    const latest = await prisma.stockTransaction.aggregate({ _max: { position: true } });
    return new UsualResolver(prisma, latest._max.position ?? 0n);
  }

  async settle({ commands }: CommandBatch): Promise<readonly Outcome[]> {
    return await Promise.all(commands.map((command) => this.#createStockTransaction(command)));
  }

  async close(): Promise<void> {
    await this.#prisma.$disconnect();
  }

  async #createStockTransaction(command: Command): Promise<Outcome> {
    if (command.kind === "delete-stock") throw new Error("The usual resolver deletes no stock");
    const { id, clientId, productId, action, quantity, reason, reference, note } = command;
    const change = {
      available: actionEffects[action].available * quantity,
      allocated: actionEffects[action].allocated * quantity,
    };
    return await this.#prisma.$transaction(
      async (tx) => {
        const stock = await tx.stock.findUnique({ where: { productId } });
        if (stock === null || !stock.tracked) return refusal(command, "STOCK_NOT_FOUND", null);
        if (stock.available + change.available < 0 || stock.allocated + change.allocated < 0)
          return refusal(command, "INSUFFICIENT_STOCK", stock);
        const createdAt = new Date();
        const { available, allocated, version } = await tx.stock.update({
          where: { productId },
          data: {
            available: { increment: change.available },
            allocated: { increment: change.allocated },
            version: { increment: 1 },
            updatedAt: createdAt,
          },
        });
        this.#position += 1n;
        const created = await tx.stockTransaction.create({
          data: {
            id,
            productId,
            action,
            quantity,
            availableAfter: available,
            allocatedAfter: allocated,
            version,
            reason,
            reference,
            note,
            actor: clientId,
            createdAt,
            position: this.#position,
          },
        });
        return applied(created);
      },
      // Prisma's two seconds for a connection run out on a busy machine, and then it would not be measured at all.
      { maxWait: 10_000, timeout: 10_000 },
    );
  }
}

function applied({ position: _position, ...transaction }: StockTransaction & { readonly position: bigint }): Outcome {
  return { kind: "applied", transaction, replayed: false };
}

function refusal(
  command: CreateStockTransaction,
  code: StockErrorCode,
  stock: (Levels & { readonly version: number }) | null,
): Outcome {
  const { productId, action, quantity } = command;
  const { available, allocated, version } = stock ?? { available: null, allocated: null, version: 0 };
  return {
    kind: "refused",
    refusal: { code, productId, action, requested: quantity, available, allocated, version },
    replayed: false,
  };
}
