import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import type { StockAction } from "../inventory/actions.ts";
import type { StockTransactionInput } from "../inventory/commands.ts";
import { InvalidInputError } from "../inventory/errors.ts";
import { parseStockTransactionInput } from "../inventory/input.ts";
import { OpenedFile } from "./opened-file.ts";

/** The columns of a file, as the GraphQL arguments are called; product_id and the like mean the same. */
export const stockFileColumns = [
  "productId",
  "action",
  "quantity",
  "idempotencyKey",
  "expectedVersion",
  "reason",
  "reference",
  "note",
] as const;

type Column = (typeof stockFileColumns)[number];

/** What a report of refused lines puts in front of them: such a file can be corrected and imported in its turn. */
export const reportColumns = ["refusedLine", "refusedCode", "refusedBecause", "refusedFrom"] as const;

/** A file that can be read to its end, looked through once, and open until its source is closed. */
export interface StockFile {
  readonly path: string;
  readonly source: OpenedFile;
  readonly delimiter: string;
  /** The names in its first line. */
  readonly header: readonly string[];
  /** What stands in which place of a line; null for what a report has put there. */
  readonly columns: readonly (Column | null)[];
  /** Lines besides the first. */
  readonly lines: number;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
}

/** The file is not any more what it was when it was looked through. */
export class StockFileChangedError extends Error {
  override readonly name = "StockFileChangedError";
}

/** One line, checked. */
export interface StockFileLine {
  /** Counted from 1 as an editor does; where a quoted text has line breaks, the last of them. */
  readonly number: number;
  /** Its fields as they stand there. */
  readonly fields: readonly string[];
  readonly checked:
    | { readonly kind: "input"; readonly input: StockTransactionInput }
    | { readonly kind: "malformed"; readonly message: string };
}

const lineBytesMax = 65_536;
/** 128 bits of the hash, and a line number: two files never share a key. */
const keyHashLength = 32;

/**
 * Reads a file through before anything of it is done.
 * @throws InvalidInputError that says what is wrong where: no such file, none that can be read twice, not UTF-8, not CSV,
 * a column that is unknown, missing or there twice
 */
export async function inspectStockFile(path: string, delimiter: string): Promise<StockFile> {
  const source = await OpenedFile.open(path).catch((error: unknown) => {
    throw unreadable(error, path);
  });
  try {
    return await inspect(source, path, delimiter);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function inspect(source: OpenedFile, path: string, delimiter: string): Promise<StockFile> {
  const hash = createHash("sha256");
  let header: readonly string[] | null = null;
  let columns: readonly (Column | null)[] = [];
  let lines = 0;
  for await (const { fields } of readRecords(readUtf8(source, path, hash), path, delimiter)) {
    if (header === null) {
      header = fields;
      columns = readHeader(fields);
    } else lines += 1;
  }
  if (header === null) throw new InvalidInputError("file", `${path} is empty`);
  return { path, source, delimiter, header, columns, lines, hash: hash.digest("hex") };
}

/**
 * The lines after the first, each checked for itself.
 * @param action what is done where the file has no such column, or nothing in it
 * @throws StockFileChangedError at the end at the latest. Lines before may be others than they were, unless the source says
 * after them that it has not changed
 */
export async function* readStockFile(file: StockFile, action: StockAction): AsyncGenerator<StockFileLine> {
  const { path, source, delimiter, columns } = file;
  const keyPrefix = `import-${file.hash.slice(0, keyHashLength)}`;
  const hash = createHash("sha256");
  let isFirst = true;
  try {
    for await (const { fields, number } of readRecords(readUtf8(source, path, hash), path, delimiter)) {
      if (!isFirst)
        yield { number, fields, checked: check(columns, fields, { action, key: `${keyPrefix}-${number}` }) };
      isFirst = false;
    }
  } catch (error) {
    // It could be read before.
    throw (await source.hasChanged()) ? new StockFileChangedError() : error;
  }
  if (hash.digest("hex") !== file.hash) throw new StockFileChangedError();
}

interface Defaults {
  readonly action: StockAction;
  readonly key: string;
}

function check(
  columns: readonly (Column | null)[],
  fields: readonly string[],
  defaults: Defaults,
): StockFileLine["checked"] {
  if (fields.length !== columns.length)
    return { kind: "malformed", message: `it has ${fields.length} fields, and the first line has ${columns.length}` };
  const texts = new Map<Column, string>();
  for (const [index, column] of columns.entries()) {
    const text = fields[index] ?? "";
    if (column !== null && text !== "") texts.set(column, text);
  }
  try {
    const input = parseStockTransactionInput({
      productId: texts.get("productId") ?? "",
      action: texts.get("action")?.toUpperCase() ?? defaults.action,
      quantity: numberOf(texts.get("quantity") ?? ""),
      idempotencyKey: texts.get("idempotencyKey") ?? defaults.key,
      expectedVersion: texts.has("expectedVersion") ? numberOf(texts.get("expectedVersion") ?? "") : null,
      reason: texts.get("reason")?.toUpperCase(),
      reference: texts.get("reference"),
      note: texts.get("note"),
    });
    return { kind: "input", input };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { kind: "malformed", message: error.message };
  }
}

/** Only plain digits: 1e3, 0x10, 1,000 and 10.0 are not what a person meant for sure. */
function numberOf(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}

function readHeader(fields: readonly string[]): readonly (Column | null)[] {
  const columns = fields.map((name) => {
    const plain = plainName(name);
    if (reportColumns.some((column) => plainName(column) === plain)) return null;
    const column = stockFileColumns.find((known) => plainName(known) === plain);
    if (column === undefined)
      throw new InvalidInputError(
        "file",
        `the first line has to name columns among ${stockFileColumns.join(", ")}, and names "${name}"`,
      );
    return column;
  });
  for (const required of ["productId", "quantity"] as const)
    if (!columns.includes(required)) throw new InvalidInputError("file", `the first line names no column ${required}`);
  const twice = columns.find((column, index) => column !== null && columns.indexOf(column) !== index);
  if (twice !== undefined) throw new InvalidInputError("file", `the first line names the column ${twice} twice`);
  return columns;
}

function plainName(name: string): string {
  return name.trim().toLowerCase().replaceAll(/[_ -]/g, "");
}

/** The bytes of a file as they are, and into the hash. @throws InvalidInputError where they are not UTF-8 */
async function* readUtf8(source: OpenedFile, path: string, hash: Hash): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Buffer): void => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new InvalidInputError("file", `${path} is not UTF-8`);
    }
  };
  for await (const chunk of source.read()) {
    decode(chunk);
    hash.update(chunk);
    yield chunk;
  }
  decode();
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly number: number;
}

/** Lines that are blank are none. */
async function* readRecords(bytes: AsyncIterable<Buffer>, path: string, delimiter: string): AsyncGenerator<CsvRecord> {
  const source = Readable.from(bytes);
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: lineBytesMax,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  // Errors of the file itself come out of the parser too.
  source.on("error", (error) => parser.destroy(error));
  let countedTwice = 0;
  try {
    const records: AsyncIterable<ParsedRecord> = source.pipe(parser);
    for await (const { info, record } of records) {
      // The parser takes a break of two characters in a quoted text for two.
      for (const field of record) countedTwice += field.includes("\r\n") ? field.split("\r\n").length - 1 : 0;
      yield { fields: record, number: info.lines - countedTwice };
    }
  } catch (error) {
    throw unreadable(error, path);
  } finally {
    source.destroy();
  }
}

interface ParsedRecord {
  readonly info: { readonly lines: number };
  readonly record: string[];
}

/** Where quotes are wrong nobody can tell where the next line begins: then the whole file is refused. */
function unreadable(error: unknown, path: string): unknown {
  if (error instanceof CsvError) {
    const line = typeof error["lines"] === "number" ? error["lines"] : 1;
    return new InvalidInputError("file", `${path}, line ${line}: ${csvProblemOf(error.code)}`);
  }
  if (error instanceof Error && "syscall" in error) return new InvalidInputError("file", error.message);
  return error;
}

function csvProblemOf(code: CsvError["code"]): string {
  switch (code) {
    case "CSV_MAX_RECORD_SIZE":
      return `it is longer than ${lineBytesMax} bytes; is a quote not closed?`;
    case "CSV_QUOTE_NOT_CLOSED":
      return "the file ends in a text whose quote is not closed";
    default:
      return 'quotes are wrong: a text with a quote in it has to stand in quotes, with "" for each of its own';
  }
}
