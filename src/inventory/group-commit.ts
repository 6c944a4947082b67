import { setTimeout as sleep } from "node:timers/promises";
import type { Command, CommandBatch } from "./commands.ts";
import { ServiceUnavailableError } from "./errors.ts";
import { Gathering } from "./gathering.ts";
import type { Settler } from "./inventory.ts";
import { settle } from "./settle.ts";
import type { Outcome } from "./stock-transaction.ts";
import { StorageError } from "./storage.ts";
import type { GroupScope, InventoryStorage, KeyReference } from "./storage.ts";

export interface GroupCommitOptions {
  /** Groups that may be in flight at once. A product always takes the same lane. */
  readonly lanes: number;
  /** The most commands one group takes, unless its first batch alone has more. */
  readonly groupCommandsMax: number;
  /** The most commands that may wait in one lane; past it a batch is turned away at once. */
  readonly queueCommandsMax: number;
  /** How long a batch may take from its arrival to its answer, in milliseconds. */
  readonly deadlineMs: number;
  /** Called after each group that was committed with stock transactions in it. */
  readonly onApplied: () => void;
  /** Runs each attempt at a group: for those who watch. It gives back, or throws, what the attempt does. */
  readonly aroundAttempt: <T>(batches: readonly CommandBatch[], attempt: () => Promise<T>) => Promise<T>;
}

const groupCommitDefaults: GroupCommitOptions = {
  lanes: 1,
  groupCommandsMax: 1_000,
  queueCommandsMax: 10_000,
  deadlineMs: 10_000,
  onApplied: () => undefined,
  aroundAttempt: (_batches, attempt) => attempt(),
};

const backoffMinMs = 5;
const backoffMaxMs = 500;

/** A batch that waits for its answer. */
interface Pending {
  readonly batch: CommandBatch;
  /** A time of performance.now(). */
  readonly deadline: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Settles batches in groups, one database transaction a group. What arrives while a group is in flight forms the next
 * one; how long it waits for more to come is said in gathering.ts.
 *
 * A stock that somebody else holds for long would keep its whole lane waiting: who wants it steps aside, into a lane where
 * all such wait, and the others go on.
 */
export class GroupCommit implements Settler {
  /** The most commands that may wait in all lanes together. */
  readonly queueCommandsMax: number;
  readonly #lanes: readonly Lane[];
  readonly #aside: Lane;

  constructor(storage: InventoryStorage, options: Partial<GroupCommitOptions> = {}) {
    const settings = { ...groupCommitDefaults, ...options };
    this.queueCommandsMax = settings.lanes * settings.queueCommandsMax;
    this.#aside = new Lane(storage, settings, null);
    this.#lanes = Array.from({ length: settings.lanes }, () => new Lane(storage, settings, this.#aside));
  }

  /** How many commands wait for a group now. */
  get queuedCommands(): number {
    return [...this.#lanes, this.#aside].reduce((commands, lane) => commands + lane.queuedCommands, 0);
  }

  async settle(batch: CommandBatch): Promise<readonly Outcome[]> {
    const [first] = batch.commands;
    if (first === undefined) return [];
    const lane = this.#aside.waitsFor(batch) ? this.#aside : this.#lanes[hashOf(first.productId) % this.#lanes.length];
    if (lane === undefined) throw new Error("Group commit has no lanes");
    return lane.add(batch);
  }

  /** Takes no more batches, and waits until all that were taken have been answered. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await this.#aside.close();
  }
}

/** One group at a time. */
class Lane {
  readonly #storage: InventoryStorage;
  readonly #options: GroupCommitOptions;
  /** Where batches go that want a stock which somebody else holds; null: this is that lane. */
  readonly #aside: Lane | null;
  /** The products that are waited for here because somebody else holds them. */
  readonly #held = new Set<string>();
  readonly #gathering: Gathering;
  #queue: Pending[] = [];
  #queuedCommands = 0;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(storage: InventoryStorage, options: GroupCommitOptions, aside: Lane | null) {
    this.#storage = storage;
    this.#options = options;
    this.#aside = aside;
    this.#gathering = new Gathering(options.groupCommandsMax);
  }

  get queuedCommands(): number {
    return this.#queuedCommands;
  }

  /** Whether the batch has a product that is waited for here. */
  waitsFor({ commands }: CommandBatch): boolean {
    return this.#held.size > 0 && commands.some(({ productId }) => this.#held.has(productId));
  }

  add(batch: CommandBatch): Promise<readonly Outcome[]> {
    if (this.#closed) throw new ServiceUnavailableError("The gateway is stopping", "not applied");
    if (this.#queuedCommands + batch.commands.length > this.#options.queueCommandsMax)
      throw new ServiceUnavailableError("Too many stock transactions are waiting", "not applied");
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, deadline: performance.now() + this.#options.deadlineMs, resolve, reject });
      this.#queuedCommands += batch.commands.length;
      this.#gathering.arrived(this.#queuedCommands);
      this.#running ??= this.#run();
    });
  }

  /** Takes batches over that were accepted already, to wait here for these products: before those that came later. */
  #takeOver(batches: readonly Pending[], held: ReadonlySet<string>): void {
    for (const productId of held) this.#held.add(productId);
    this.#queue.unshift(...batches);
    this.#queuedCommands += commandsIn(batches);
    if (this.#queue.length > 0) this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const sweep = setInterval(() => this.#turnAwayExpired(), 100);
    try {
      while (this.#queue.length > 0) {
        const gathered = this.#gathering.wait(() => this.#queuedCommands);
        if (gathered !== null) await gathered;
        const group = this.#takeGroup();
        const startedAt = performance.now();
        await this.#settleGroup(group, false);
        this.#gathering.ended(commandsIn(group), performance.now() - startedAt, this.#queuedCommands);
      }
    } finally {
      clearInterval(sweep);
      this.#held.clear();
      this.#running = null;
    }
  }

  #takeGroup(): Pending[] {
    let commands = 0;
    let length = 0;
    for (const { batch } of this.#queue) {
      if (length > 0 && commands + batch.commands.length > this.#options.groupCommandsMax) break;
      commands += batch.commands.length;
      length += 1;
    }
    this.#queuedCommands -= commands;
    return this.#queue.splice(0, length);
  }

  /** A batch that still waits when its time is up has not been looked at: it is not applied, for certain. */
  #turnAwayExpired(): void {
    this.#queue = turnAwayBefore(performance.now(), this.#queue, false).slice();
    this.#queuedCommands = commandsIn(this.#queue);
  }

  /**
   * Answers every batch of the group, whatever happens.
   * @param unresolved whether an earlier attempt at these batches may have been committed
   */
  async #settleGroup(group: readonly Pending[], unresolved: boolean): Promise<void> {
    let waiting = group;
    for (let attempt = 0; waiting.length > 0; attempt += 1) {
      const batches = waiting.map(({ batch }) => batch);
      const deadline = Math.max(...waiting.map((pending) => pending.deadline));
      const scope = scopeOf(batches, unresolved, this.#held);
      try {
        const settlement = await this.#options.aroundAttempt(batches, () =>
          this.#storage.settle(scope, deadline, (state, now) => settle(state, batches, now)),
        );
        if (settlement.transactions.length > 0) this.#options.onApplied();
        for (const [index, { resolve }] of waiting.entries()) resolve(settlement.outcomes[index] ?? []);
        for (const productId of scope.productIds) this.#held.delete(productId);
        return;
      } catch (error) {
        if (error instanceof StorageError && error.kind === "unknown") unresolved = true;
        if (!(error instanceof StorageError) || error.kind === "fault") {
          await this.#isolateFault(waiting, unresolved, error);
          return;
        }
        const backoffMs = backoffOf(attempt);
        waiting = turnAwayBefore(performance.now() + backoffMs, waiting, unresolved, error);
        // What may have been committed stays together until it has been looked for.
        if (error.kind === "held" && !unresolved) waiting = await this.#setAside(waiting, scope);
        if (waiting.length > 0) await sleep(backoffMs);
      }
    }
  }

  /** Has the batches that want a stock which somebody else holds wait for it aside. @returns the others */
  async #setAside(group: readonly Pending[], { productIds }: GroupScope): Promise<readonly Pending[]> {
    let held: ReadonlySet<string>;
    try {
      held = await this.#storage.findHeld(productIds);
    } catch {
      // The database is away: that is what the next attempt finds out too.
      return group;
    }
    const isHeld = ({ batch }: Pending): boolean => batch.commands.some(({ productId }) => held.has(productId));
    const aside = this.#aside ?? this;
    const queued = aside === this ? [] : this.#queue.filter(isHeld);
    aside.#takeOver([...group.filter(isHeld), ...queued], held);
    if (queued.length > 0) {
      this.#queue = this.#queue.filter((pending) => !isHeld(pending));
      this.#queuedCommands = commandsIn(this.#queue);
    }
    return group.filter((pending) => !isHeld(pending));
  }

  /** One batch that the database can't take must not bring down its neighbours: halves the group until it is alone. */
  async #isolateFault(group: readonly Pending[], unresolved: boolean, error: unknown): Promise<void> {
    if (group.length > 1) {
      const middle = group.length >> 1;
      await this.#settleGroup(group.slice(0, middle), unresolved);
      await this.#settleGroup(group.slice(middle), unresolved);
    } else if (unresolved) {
      turnAway(group, unresolved, error);
    } else {
      const fault = new Error("A batch of commands could not be settled", { cause: error });
      for (const { reject } of group) reject(fault);
    }
  }
}

function commandsIn(queue: readonly Pending[]): number {
  return queue.reduce((commands, { batch }) => commands + batch.commands.length, 0);
}

/** Turns away the batches whose time is up by then. @returns the others */
function turnAwayBefore(
  time: number,
  group: readonly Pending[],
  unresolved: boolean,
  cause?: unknown,
): readonly Pending[] {
  turnAway(
    group.filter(({ deadline }) => deadline <= time),
    unresolved,
    cause,
  );
  return group.filter(({ deadline }) => deadline > time);
}

function turnAway(group: readonly Pending[], unresolved: boolean, cause?: unknown): void {
  const error = unresolved
    ? new ServiceUnavailableError("The database did not say whether the stock transaction was applied", "unknown", {
        cause,
      })
    : new ServiceUnavailableError("The database did not take the stock transaction in time", "not applied", { cause });
  for (const { reject } of group) reject(error);
}

function scopeOf(batches: readonly CommandBatch[], unresolved: boolean, held: ReadonlySet<string>): GroupScope {
  const commands = batches.flatMap((batch) => batch.commands);
  const productIds = [...new Set(commands.map((command) => command.productId))];
  return {
    productIds,
    heldProductIds: productIds.filter((productId) => held.has(productId)),
    keys: commands.flatMap(keyReferenceOf),
    unresolvedCommandIds: unresolved ? commands.map((command) => command.id) : [],
  };
}

function keyReferenceOf(command: Command): KeyReference[] {
  if (command.kind === "delete-stock" || command.idempotencyKey === null) return [];
  return [{ clientId: command.clientId, idempotencyKey: command.idempotencyKey }];
}

/** Doubles from attempt to attempt, up to a bound; the jitter keeps gateways that collided from colliding again. */
function backoffOf(attempt: number): number {
  return Math.min(backoffMaxMs, backoffMinMs * 2 ** attempt) * (0.5 + Math.random());
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
