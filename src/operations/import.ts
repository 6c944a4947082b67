import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import type { StockAction } from "../inventory/actions.ts";
import { batchLinesMax } from "../inventory/commands.ts";
import type { StockTransactionInput } from "../inventory/commands.ts";
import { InvalidInputError, refusalCatalogue, ServiceUnavailableError } from "../inventory/errors.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { StockTransactionOutcome } from "../inventory/stock-transaction.ts";
import { messageOf } from "../error-message.ts";
import type { Progress } from "./progress.ts";
import { inspectStockFile, readStockFile, reportColumns, StockFileChangedError } from "./stock-file.ts";
import type { StockFile, StockFileLine } from "./stock-file.ts";

export interface ImportOptions {
  readonly file: string;
  readonly delimiter: string;
  /** The API client whose stock transactions they become, and to whom their idempotency keys belong. */
  readonly clientId: string;
  /** What is done where a line doesn't say it. */
  readonly action: StockAction;
  /** Where the refused lines are written, if there are any. */
  readonly report: string;
  readonly progress: Progress;
  /** Ends the import after the lines that are under way. */
  readonly signal: AbortSignal;
}

/** What became of the lines of a file. */
export interface ImportSummary {
  readonly applied: number;
  /** Applied by an earlier import of the same file. */
  readonly appliedBefore: number;
  readonly refused: number;
  /** Why lines were left, for people; null where there are none. */
  readonly unfinished: string | null;
}

/** A database that is away for longer than that ends the import; another run goes on from there. */
const patienceMs = 60_000;

/**
 * Makes a stock transaction of each line of a CSV file, in the order of the file. Lines stand for themselves: a refused
 * one goes to the report. Each has an idempotency key made of the file's contents and its place, so that a file that is
 * imported again, as a whole or where it was interrupted, changes nothing twice. One that is changed meanwhile is another
 * file: the import ends before it does any line of that.
 * @throws InvalidInputError for a file that can't be read to its end: then nothing was done
 * @throws ServiceUnavailableError while the database is away: lines may be left, and another run goes on
 */
export async function importStock(inventory: Inventory, options: ImportOptions): Promise<ImportSummary> {
  const file = await inspectStockFile(options.file, options.delimiter);
  try {
    return await importInspected(inventory, file, options);
  } finally {
    await file.source.close();
  }
}

async function importInspected(inventory: Inventory, file: StockFile, options: ImportOptions): Promise<ImportSummary> {
  if (resolve(options.report) === resolve(options.file))
    throw new InvalidInputError("report", "the refused lines can't take the place of the file");
  // The last import's report says nothing of this one.
  await rm(options.report, { force: true });
  const report = new Report(options.report, file);
  const run = new ImportRun(inventory, file, options, report);
  options.progress.start(file.lines);
  try {
    const end = await run.settleAll();
    const { applied, appliedBefore, refused } = run;
    return { applied, appliedBefore, refused, unfinished: wordsOf(end, file, applied + appliedBefore + refused) };
  } finally {
    options.progress.stop();
    await report.close();
  }
}

type End = "through" | "interrupted" | "changed";

function wordsOf(end: End, { path, lines }: StockFile, done: number): string | null {
  const left = lines - done;
  if (end === "changed" && done === 0)
    return `${path} was changed meanwhile. Nothing of it is done: the same command begins anew.`;
  if (end === "changed")
    return (
      `${path} was changed meanwhile. Its first ${done} lines are done, ${left} are left: with its old contents the same ` +
      "command goes on with them. With others it is a new file, done from its first line: take out of it what is done."
    );
  return left === 0 ? null : `Interrupted, ${left} lines are left: the same command goes on with them.`;
}

/** One pass through a file: the next lines are read while those before them are settled. */
class ImportRun {
  applied = 0;
  appliedBefore = 0;
  refused = 0;
  readonly #inventory: Inventory;
  readonly #file: StockFile;
  readonly #options: ImportOptions;
  readonly #report: Report;

  constructor(inventory: Inventory, file: StockFile, options: ImportOptions, report: Report) {
    this.#inventory = inventory;
    this.#file = file;
    this.#options = options;
    this.#report = report;
  }

  async settleAll(): Promise<End> {
    let batch: StockFileLine[] = [];
    let underWay: Promise<void> = Promise.resolve();
    try {
      for await (const line of readStockFile(this.#file, this.#options.action)) {
        batch.push(line);
        if (batch.length < batchLinesMax) continue;
        await underWay;
        if (this.#options.signal.aborted) return "interrupted";
        if (await this.#file.source.hasChanged()) return "changed";
        underWay = this.#settle(batch);
        // It is waited for above or below; until then its failure is nobody's.
        underWay.catch(() => undefined);
        batch = [];
      }
    } catch (error) {
      await underWay;
      if (error instanceof StockFileChangedError) return "changed";
      throw error;
    }
    await underWay;
    if (this.#options.signal.aborted) return "interrupted";
    if (await this.#file.source.hasChanged()) return "changed";
    if (batch.length > 0) await this.#settle(batch);
    return "through";
  }

  async #settle(lines: readonly StockFileLine[]): Promise<void> {
    const inputs = lines.flatMap(({ checked }) => (checked.kind === "input" ? [checked.input] : []));
    const outcomes = inputs.length === 0 ? [] : await this.#settlePatiently(inputs);
    let settled = 0;
    for (const line of lines) {
      const outcome = line.checked.kind === "input" ? outcomes[settled] : undefined;
      if (line.checked.kind === "input") settled += 1;
      await this.#count(line, outcome);
    }
    this.#options.progress.advance(lines.length);
  }

  async #count(line: StockFileLine, outcome: StockTransactionOutcome | undefined): Promise<void> {
    if (outcome?.kind === "applied") {
      if (outcome.replayed) this.appliedBefore += 1;
      else this.applied += 1;
      return;
    }
    this.refused += 1;
    if (line.checked.kind === "malformed") await this.#report.add(line, "BAD_USER_INPUT", line.checked.message);
    else if (outcome !== undefined)
      await this.#report.add(line, outcome.refusal.code, refusalCatalogue[outcome.refusal.code].detail);
  }

  /** Their keys make it safe to send them again, whatever became of them. */
  async #settlePatiently(inputs: readonly StockTransactionInput[]): Promise<readonly StockTransactionOutcome[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await this.#inventory.createStockTransactions(this.#options.clientId, inputs, "EACH");
      } catch (error) {
        if (!(error instanceof ServiceUnavailableError) || performance.now() > deadline || this.#options.signal.aborted)
          throw error;
        await wait(1_000 * error.retryAfterSeconds);
      }
    }
  }
}

/**
 * What spends no key. One that is used for something else stays with the line: without it that line might be done twice.
 */
const codesWithoutKey: ReadonlySet<string> = new Set(["BAD_USER_INPUT", "IDEMPOTENCY_KEY_REUSED"]);

/** Enough to make the report of a report another file, though the same lines are refused for the same reasons. */
const reportHashLength = 12;

/**
 * Refused lines as they stood in the file, each with its reasons in front. A key that was spent on the refusal is left out:
 * for as long as it is kept it would be answered with that. Made when the first one comes.
 */
class Report {
  readonly #path: string;
  readonly #file: StockFile;
  #stream: WriteStream | null = null;
  #failure: Error | null = null;

  constructor(path: string, file: StockFile) {
    this.#path = path;
    this.#file = file;
  }

  async add({ number, fields }: StockFileLine, code: string, because: string): Promise<void> {
    this.#stream ??= await this.#open();
    const spendsKey = !codesWithoutKey.has(code);
    // Of a report that is imported in its turn only the lines themselves are kept.
    const own = fields
      .map((field, index) => (spendsKey && this.#file.columns[index] === "idempotencyKey" ? "" : field))
      .filter((_, index) => this.#file.columns[index] !== null);
    const from = this.#file.hash.slice(0, reportHashLength);
    if (this.#stream.write(this.#lineOf([String(number), code, because, from, ...own]))) return;
    await once(this.#stream, "drain").catch((error: unknown) => {
      throw unwritable(error);
    });
  }

  /** @throws InvalidInputError where not all could be written */
  async close(): Promise<void> {
    if (this.#stream === null) return;
    this.#stream.end();
    if (!this.#stream.closed) await once(this.#stream, "close").catch(() => undefined);
    if (this.#failure !== null) throw unwritable(this.#failure);
  }

  async #open(): Promise<WriteStream> {
    const stream = createWriteStream(this.#path);
    try {
      await once(stream, "open");
    } catch (error) {
      throw unwritable(error);
    }
    stream.on("error", (error) => (this.#failure = error));
    stream.write(
      this.#lineOf([...reportColumns, ...this.#file.header.filter((_, index) => this.#file.columns[index] !== null)]),
    );
    return stream;
  }

  #lineOf(fields: readonly string[]): string {
    return stringify([[...fields]], { delimiter: this.#file.delimiter, record_delimiter: "windows" });
  }
}

function unwritable(error: unknown): InvalidInputError {
  return new InvalidInputError("report", `the refused lines can't be written: ${messageOf(error)}`);
}
