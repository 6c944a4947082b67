import type { History, HistoryOperation } from "./history.ts";
import { take } from "./steps.ts";
import type { State } from "./steps.ts";

/*
 * Whether some order of the operations on a product explains everything that was said of it: each took effect at one
 * instant between being sent and being answered, and did what `settle` does to the levels that the ones before it left.
 *
 * In general such an order is hard to find. Here the answers carry versions: what was applied can only stand in the order
 * of its versions. What is left is to see that no later version was answered before an earlier one was sent; to recompute
 * every outcome; to fill versions that nobody was told of with operations whose clients were not told what became of
 * them; and to find a place for each refusal and each read, which change nothing, between two versions.
 */

/** So many steps are tried at most. */
const stepsMax = 500_000;

/** @returns null where there is such an order, else what stands in its way */
export function findContradiction(history: History): string | null {
  return new Search(history).run();
}

/** Operations in an order, with the states between them. */
interface Path {
  readonly operations: readonly HistoryOperation[];
  /** One more than operations. */
  readonly states: readonly State[];
}

class Search {
  readonly #productId: string;
  readonly #deletedAt: ReadonlySet<number>;
  /** By the first version they were told. */
  readonly #applied: readonly { readonly version: number; readonly operation: HistoryOperation }[];
  readonly #deletions: ReadonlyMap<number, HistoryOperation>;
  readonly #unknown: readonly HistoryOperation[];
  /** They changed nothing. By the instant they were sent. */
  readonly #observers: readonly HistoryOperation[];
  #steps = 0;
  #obstacle: string | null = null;

  constructor({ productId, operations, deletedAt }: History) {
    this.#productId = productId;
    this.#deletedAt = deletedAt;
    const applied: { version: number; operation: HistoryOperation }[] = [];
    const deletions = new Map<number, HistoryOperation>();
    const unknown: HistoryOperation[] = [];
    const observers: HistoryOperation[] = [];
    for (const operation of operations) {
      const effect = effectOf(operation);
      if (effect === "none") observers.push(operation);
      else if (effect === "unknown") unknown.push(operation);
      else if (operation.step.kind === "delete") {
        if (deletions.has(effect)) this.#fail(`Version ${effect} was deleted twice`);
        if (!deletedAt.has(effect)) this.#fail(`The deletion of version ${effect} is lost`);
        deletions.set(effect, operation);
      } else applied.push({ version: effect, operation });
    }
    this.#applied = applied.toSorted((left, right) => left.version - right.version);
    this.#deletions = deletions;
    this.#unknown = unknown;
    this.#observers = observers.toSorted((left, right) => left.invokedAt - right.invokedAt);
  }

  run(): string | null {
    if (this.#obstacle !== null) return this.#obstacle;
    const isExplained = this.#continue({ operations: [], states: [null] }, 0, this.#unknown);
    return isExplained ? null : (this.#obstacle ?? "No order explains it");
  }

  /**
   * Goes on where there is but one way, then tries the operations that may or may not have happened.
   * @param next the next one of those that were applied for certain
   */
  #continue(path: Path, next: number, unknown: readonly HistoryOperation[]): boolean {
    const operations = [...path.operations];
    const states = [...path.states];
    let place = next;
    let open = unknown;
    let latestInvokedAt = -Infinity;
    for (const { invokedAt } of operations) latestInvokedAt = Math.max(latestInvokedAt, invokedAt);
    const put = (operation: HistoryOperation): boolean => {
      this.#steps += 1;
      if (operation.respondedAt < latestInvokedAt)
        return this.#fail(`${operation.name} was answered before one that stands before it was sent`);
      const taken = take(this.#productId, states.at(-1) ?? null, operation.step);
      if (taken === null)
        return this.#fail(`${operation.name} was told what can't be after ${versionOf(states.at(-1))}`);
      operations.push(operation);
      states.push(taken.after);
      latestInvokedAt = Math.max(latestInvokedAt, operation.invokedAt);
      return true;
    };
    for (;;) {
      const state = states.at(-1) ?? null;
      const version = versionOf(state);
      if (state?.tracked === true && this.#deletedAt.has(version)) {
        const deletion = this.#deletions.get(version) ?? open.find(({ step }) => step.kind === "delete");
        if (deletion === undefined) return this.#fail(`Nobody deleted version ${version}`);
        if (!put(deletion)) return false;
        open = open.filter((operation) => operation !== deletion);
        continue;
      }
      const candidate = this.#applied[place];
      if (candidate === undefined || candidate.version !== version + 1) break;
      if (!put(candidate.operation)) return false;
      place += 1;
    }
    if (place === this.#applied.length && this.#canPlaceObservers({ operations, states })) return true;
    return this.#tryUnknown({ operations, states }, place, open);
  }

  #tryUnknown(path: Path, next: number, unknown: readonly HistoryOperation[]): boolean {
    const state = path.states.at(-1) ?? null;
    const due = this.#applied[next];
    if (due !== undefined && due.version <= versionOf(state))
      return this.#fail(`Version ${due.version} was given twice`);
    for (const operation of unknown) {
      if (this.#steps > stepsMax) return this.#fail("There are too many orders to try");
      if (operation.step.kind !== "lines") continue;
      const after = take(this.#productId, state, operation.step)?.after ?? null;
      this.#steps += 1;
      if (after === state || path.operations.some(({ invokedAt }) => invokedAt > operation.respondedAt)) continue;
      const longer = { operations: [...path.operations, operation], states: [...path.states, after] };
      if (
        this.#continue(
          longer,
          next,
          unknown.filter((other) => other !== operation),
        )
      )
        return true;
    }
    if (due !== undefined) this.#fail(`Nothing explains version ${versionOf(state) + 1}, before ${due.operation.name}`);
    return false;
  }

  /**
   * Whether each refusal and each read finds a state that it can have seen. They are placed as early as can be, in the
   * order in which they were sent: one that was sent after another's answer can't have seen an earlier state.
   */
  #canPlaceObservers({ operations, states }: Path): boolean {
    const latestInvoked = runningMax(operations.map(({ invokedAt }) => invokedAt));
    const earliestResponse = runningMin(operations.map(({ respondedAt }) => respondedAt).toReversed()).toReversed();
    const byResponse = this.#observers.toSorted((left, right) => left.respondedAt - right.respondedAt);
    const placeOf = new Map<HistoryOperation, number>();
    let answered = 0;
    let reached = 0;
    for (const observer of this.#observers) {
      for (; (byResponse[answered]?.respondedAt ?? Infinity) < observer.invokedAt; answered += 1)
        reached = Math.max(reached, placeOf.get(byResponse[answered] ?? observer) ?? 0);
      // All that were answered before it was sent stand before it; none does that was sent after its answer.
      const first = Math.max(
        reached,
        firstIndex(earliestResponse, (time) => time >= observer.invokedAt),
      );
      const last = firstIndex(latestInvoked, (time) => time > observer.respondedAt);
      let place = first;
      while (place <= last && take(this.#productId, states[place] ?? null, observer.step) === null) place += 1;
      if (place > last)
        return this.#fail(
          `${observer.name} was told what was so at no time between versions ${versionOf(states[first])} and ${versionOf(states[last])}`,
        );
      placeOf.set(observer, place);
    }
    return true;
  }

  #fail(obstacle: string): false {
    this.#obstacle ??= obstacle;
    return false;
  }
}

/** The first version it was told, "none" where it changed nothing, "unknown" where nobody can say. */
function effectOf({ step }: HistoryOperation): number | "none" | "unknown" {
  if (step.kind === "read") return "none";
  if (step.told === null) return "unknown";
  if (step.kind === "delete") return typeof step.told === "string" ? "none" : step.told.version;
  const applied = step.told.filter((outcome) => outcome.kind === "applied");
  const versions = applied.map(({ version }) => version ?? Number.NaN);
  if (versions.length === 0) return "none";
  return versions.some(Number.isNaN) ? "unknown" : Math.min(...versions);
}

function versionOf(state: State | undefined): number {
  return state?.version ?? 0;
}

function runningMax(values: readonly number[]): number[] {
  let max = -Infinity;
  return values.map((value) => (max = Math.max(max, value)));
}

function runningMin(values: readonly number[]): number[] {
  let min = Infinity;
  return values.map((value) => (min = Math.min(min, value)));
}

/** The first place in a sorted list from which on it holds; the list's length where it never does. */
function firstIndex(values: readonly number[], holds: (value: number) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(values[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}
