import { readFile } from "node:fs/promises";
import { benchFile } from "./bench-file.ts";
import { executeSql } from "./sql.ts";

/** Makes the function that settles one stock transaction in the database. */
export async function installMoveStock(url: string): Promise<void> {
  await executeSql(url, await readFile(benchFile("move-stock.sql"), "utf8"));
}
