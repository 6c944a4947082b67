// Holds schema.graphql against the schema that was released last: what would break a client's documents has to be said in
// CHANGELOG.md, under "Unreleased" and "Breaking", in the words in which it is reported here.
// Usage: node tools/schema-changes.mjs [folder of the three files]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, findBreakingChanges, findDangerousChanges } from "graphql";

const folder = process.argv[2] ?? ".";
const read = (name) => readFileSync(join(folder, name), "utf8");
const released = buildSchema(read("schema.released.graphql"));
const next = buildSchema(read("schema.graphql"));

const [, unreleased = ""] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(read("CHANGELOG.md")) ?? [];
const [, breaking = ""] = /^### Breaking\n([\s\S]*?)(?=^### |$(?![\s\S]))/m.exec(unreleased) ?? [];
const declared = breaking.split("\n").flatMap((line) => (line.startsWith("- ") ? [line.slice(2).trim()] : []));

const found = findBreakingChanges(released, next).map(({ description }) => description);
const undeclared = found.filter((description) => !declared.includes(description));
for (const { description } of findDangerousChanges(released, next)) console.log(`Mind: ${description}`);
for (const description of undeclared) console.error(`Breaking, and not in CHANGELOG.md: - ${description}`);
if (undeclared.length > 0) process.exitCode = 1;
else console.log(found.length === 0 ? "No breaking change." : `${found.length} breaking, all of them declared.`);
