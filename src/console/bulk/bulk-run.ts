import type { ApolloClient } from "@apollo/client";
import { describeFailure, invalidLineOf } from "../api/failures.ts";
import { mergeStockTransactions } from "../api/merge.ts";
import { sendWithPatience } from "../api/patience.ts";
import { refusalText } from "../api/refusal-text.ts";
import { CreateStockTransactionsDocument } from "../generated/operations.ts";
import type { CreateStockTransactionsMutation, StockTransactionFieldsFragment } from "../generated/operations.ts";
import { keyOf } from "./bulk-file.ts";
import type { BulkFile } from "./bulk-file.ts";
import type { BulkInput, BulkLine } from "./lines.ts";

/** What became of a line. */
export type LineOutcome =
  | {
      readonly kind: "done";
      readonly stockTransaction: StockTransactionFieldsFragment;
      /** It was done when the same line was sent before, not now. */
      readonly isRepeated: boolean;
    }
  | { readonly kind: "refused"; readonly message: string };

export interface BulkRunState {
  readonly phase: "ready" | "running" | "stopping" | "stopped" | "done";
  /** Lines that have their outcome. */
  readonly settled: number;
  readonly done: number;
  readonly repeated: number;
  readonly refused: number;
  /** What keeps it, or why it has stopped. */
  readonly message: string | null;
}

/** A line that has nothing wrong with it. */
interface SendableLine extends BulkLine {
  readonly input: BulkInput;
}

const batchLinesMax = 200;
/** Of notes, mostly; the gateway takes a mebibyte. */
const batchCharactersMax = 300_000;

/**
 * Sends a file's sound lines, a batch at a time, each line with its own idempotency key. It can be stopped between two
 * batches and go on; what was sent already, by this run or another of the same file, is not done again.
 */
export class BulkRun {
  readonly file: BulkFile;
  readonly round: number;
  readonly sendable: readonly SendableLine[];
  readonly #client: ApolloClient;
  readonly #outcomes = new Map<number, LineOutcome>();
  readonly #listeners = new Set<() => void>();
  #next = 0;
  #state: BulkRunState = { phase: "ready", settled: 0, done: 0, repeated: 0, refused: 0, message: null };

  constructor(client: ApolloClient, file: BulkFile, round = 1) {
    this.#client = client;
    this.file = file;
    this.round = round;
    this.sendable = file.lines.filter((line): line is SendableLine => line.input !== null);
  }

  readonly getState = (): BulkRunState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns undefined for a line that was not sent, or has no answer yet */
  outcomeOf(line: BulkLine): LineOutcome | undefined {
    return this.#outcomes.get(line.number);
  }

  /** Sends on from where it is, until all is done or somebody stops it. */
  async start(): Promise<void> {
    if (this.#state.phase === "running" || this.#state.phase === "stopping") return;
    this.#set({ phase: "running", message: null });
    try {
      while (this.#isWanted() && this.#next < this.sendable.length) await this.#sendBatch();
      this.#set({ phase: this.#next < this.sendable.length ? "stopped" : "done", message: null });
    } catch (error) {
      this.#set({ phase: "stopped", message: describeFailure(error).message });
    }
  }

  /** Lets the batch that is on its way come to its end, and sends no other. */
  stop(): void {
    if (this.#state.phase === "running") this.#set({ phase: "stopping" });
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#takeBatch();
    const invalid = await this.#send(batch).catch((error: unknown) => {
      const line = batch[invalidLineOf(error) ?? -1];
      if (line === undefined) throw error;
      // The whole request was refused because of this one: the others are sent without it.
      return { line, message: describeFailure(error).message };
    });
    if (invalid !== undefined) this.#settle(invalid.line, { kind: "refused", message: invalid.message });
  }

  #isWanted(): boolean {
    return this.#state.phase === "running";
  }

  #takeBatch(): readonly SendableLine[] {
    const batch: SendableLine[] = [];
    let characters = 0;
    for (let index = this.#next; index < this.sendable.length && batch.length < batchLinesMax; index += 1) {
      const line = this.sendable[index];
      if (line === undefined || this.#outcomes.has(line.number)) continue;
      characters += JSON.stringify(line.input).length;
      if (batch.length > 0 && characters > batchCharactersMax) break;
      batch.push(line);
    }
    return batch;
  }

  async #send(batch: readonly SendableLine[]): Promise<undefined> {
    const transactions = batch.map((line) => ({ ...line.input, idempotencyKey: keyOf(this.file, line, this.round) }));
    const { data } = await sendWithPatience(
      () =>
        this.#client.mutate({
          mutation: CreateStockTransactionsDocument,
          variables: { transactions },
          fetchPolicy: "no-cache",
        }),
      ({ attempt, failure }) => {
        // Who wants to stop doesn't have to wait for the gateway to come back.
        if (this.#state.phase === "stopping") throw new Error(failure.message);
        this.#set({ message: `${failure.message} Sending the same lines again, attempt ${attempt}.` });
      },
    );
    const results = data?.createStockTransactions ?? [];
    for (const result of results) this.#settleResult(batch[result.index], result);
    this.#set({ message: null });
    mergeStockTransactions(
      this.#client.cache,
      results.flatMap(({ transaction }) => (transaction === null ? [] : [transaction])),
    );
  }

  #settleResult(
    line: BulkLine | undefined,
    { transaction, error, replayed }: CreateStockTransactionsMutation["createStockTransactions"][number],
  ): void {
    if (line === undefined) return;
    if (transaction !== null) this.#settle(line, { kind: "done", stockTransaction: transaction, isRepeated: replayed });
    else if (error !== null) this.#settle(line, { kind: "refused", message: refusalText(error) });
  }

  #settle(line: BulkLine, outcome: LineOutcome): void {
    this.#outcomes.set(line.number, outcome);
    const { settled, done, repeated, refused } = this.#state;
    this.#state = {
      ...this.#state,
      settled: settled + 1,
      done: done + (outcome.kind === "done" ? 1 : 0),
      repeated: repeated + (outcome.kind === "done" && outcome.isRepeated ? 1 : 0),
      refused: refused + (outcome.kind === "refused" ? 1 : 0),
    };
    while (this.#outcomes.has(this.sendable[this.#next]?.number ?? -1)) this.#next += 1;
  }

  #set(change: Partial<BulkRunState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
