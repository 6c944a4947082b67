import "reflect-metadata";
import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { printSchema } from "graphql";
import { subgraphText } from "./federation.ts";
import { createSchema } from "./schema.ts";

/** The text of schema.graphql: types, and what is in them, in the order in which TypeGraphQL finds them, which is always the same. */
export function schemaText(): string {
  return `${printSchema(createSchema({ federation: false, isHidden: false }))}\n`;
}

/** The text of schema.federation.graphql: the same as a subgraph of a supergraph, for those who compose it without asking a gateway. */
export function federationText(): string {
  return subgraphText(createSchema({ federation: true, isHidden: false }));
}

// Run as a program it writes the files at the package's root.
if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../../schema.graphql", import.meta.url), schemaText());
  writeFileSync(new URL("../../schema.federation.graphql", import.meta.url), federationText());
}
