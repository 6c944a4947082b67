import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { parseLines } from "./lines.ts";
import type { BulkLine } from "./lines.ts";

/** A file that was dropped, read and checked. */
export interface BulkFile {
  readonly name: string;
  readonly lines: readonly BulkLine[];
  /** Of the file's bytes: the same file gives the same keys, so that it is done once however often it is dropped. */
  readonly digest: string;
}

const bytesMax = 50 * 1_048_576;

/** @returns the problem's text where it can't be used */
export async function readBulkFile(file: File): Promise<BulkFile | string> {
  if (file.size > bytesMax) return "The file is larger than 50 MB: cut it into several.";
  const bytes = new Uint8Array(await file.arrayBuffer());
  const lines = parseLines(new TextDecoder().decode(bytes));
  // Web Crypto would do it too, but not on a page that came over plain HTTP from another machine.
  return typeof lines === "string" ? lines : { name: file.name, lines, digest: bytesToHex(sha256(bytes)).slice(0, 32) };
}

/** The idempotency key of a line. @param round tells apart sending the same file on purpose again; 1 for the first */
export function keyOf({ digest }: BulkFile, line: BulkLine, round: number): string {
  return `csv-${digest}-${round}-${line.number}`;
}
