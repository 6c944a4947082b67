import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { printSchema } from "graphql";
import { createSchema } from "./schema.ts";

/** The text of schema.graphql: types, and what is in them, in the order in which TypeGraphQL finds them, which is always the same. */
export function schemaText(): string {
  return `${printSchema(createSchema())}\n`;
}

// Run as a program it writes the file at the package's root.
if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../../schema.graphql", import.meta.url), schemaText());
}
