import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of a file of bench/ that is not compiled: this one runs from there in tests, and from below build/ else. */
export function benchFile(name: string): string {
  return findFile(dirname(fileURLToPath(import.meta.url)), join("bench", name));
}

function findFile(folder: string, path: string): string {
  const file = join(folder, path);
  if (existsSync(file)) return file;
  if (folder === dirname(folder)) throw new Error(`There is no ${path} above this program`);
  return findFile(dirname(folder), path);
}
