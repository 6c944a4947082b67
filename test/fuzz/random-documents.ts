import fc from "fast-check";
import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  OperationTypeNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from "graphql";
import type { GraphQLArgument, GraphQLInputType, GraphQLObjectType, GraphQLSchema } from "graphql";

type Choose = fc.GeneratorValue;

/** At the root of a query there are these too. */
const introspection = [SchemaMetaFieldDef, TypeMetaFieldDef];

/** What no argument is meant to be. */
const oddLiterals = [
  "null",
  "-1",
  "2147483648",
  "1e400",
  "1.5",
  "-0",
  "true",
  "NOWHERE",
  "__proto__",
  "$missing",
  "[]",
  "[[[]]]",
  "{}",
  "{constructor: {prototype: 1}}",
  `""`,
  String.raw`"\u0000"`,
  String.raw`"\ud800"`,
  String.raw`"\uFFFE\u202E"`,
  `"' OR 1=1--"`,
  `"""block\n"""`,
  `"${"x".repeat(300)}"`,
  `"2026-02-30T00:00:00Z"`,
];

/** Of a field or a fragment, the variable's too. */
const conditions = ["@include(if: true)", "@skip(if: false)", "@include(if: $flag)", "@skip(if: $flag)", "@skip"];

/** Documents that mean something to the schema, more or less: fields that exist, with arguments that may be anything. */
export function randomDocuments(schema: GraphQLSchema): fc.Arbitrary<string> {
  return fc.gen().map((choose) => {
    const roots = Object.values(OperationTypeNode).flatMap((keyword) => {
      const type = schema.getRootType(keyword);
      return type == null ? [] : [{ keyword, type }];
    });
    const { keyword, type } = pick(choose, roots);
    const name = choose(fc.boolean) ? "Fuzz" : "";
    const selection = selectionOf(choose, type, 5);
    const variables = selection.includes("$flag") ? pick(choose, ["($flag: Boolean!)", "($flag: Boolean = true)"]) : "";
    return `${keyword} ${name}${variables} ${selection}`;
  });
}

function selectionOf(choose: Choose, type: GraphQLObjectType, depth: number): string {
  const all = [...Object.values(type.getFields()), ...(type.name === "Query" ? introspection : [])];
  const length = choose(fc.integer, { min: 1, max: 3 });
  const selected = Array.from({ length }, () => pick(choose, all));
  const fields = selected.map((field, index) => {
    const named = getNamedType(field.type);
    const inner =
      isObjectType(named) && depth > 0
        ? selectionOf(choose, named, depth - 1)
        : isCompositeType(named)
          ? "{ __typename }"
          : "";
    const alias = oneIn(choose, 4) ? `a${index}: ` : "";
    const directive = oneIn(choose, 10) ? ` ${pick(choose, conditions)}` : "";
    const text = `${alias}${field.name}${argumentsOf(choose, field.args)}${directive} ${inner}`;
    return oneIn(choose, 20) ? `... ${pick(choose, conditions)} { ${text} }` : text;
  });
  return `{ ${fields.join(" ")} }`;
}

function argumentsOf(choose: Choose, all: readonly GraphQLArgument[]): string {
  const given = all.filter(({ type }) => (isNonNullType(type) ? !oneIn(choose, 20) : oneIn(choose, 3)));
  const texts = given.map(({ name, type }) => `${name}: ${valueOf(choose, type, 3)}`);
  return texts.length === 0 ? "" : `(${texts.join(", ")})`;
}

function valueOf(choose: Choose, type: GraphQLInputType, depth: number): string {
  if (oneIn(choose, 12)) return pick(choose, oddLiterals);
  if (isNonNullType(type)) return valueOf(choose, type.ofType, depth);
  if (isListType(type)) {
    const length = choose(fc.integer, { min: 0, max: depth > 0 ? 3 : 0 });
    return `[${Array.from({ length }, () => valueOf(choose, type.ofType, depth - 1)).join(", ")}]`;
  }
  if (isEnumType(type)) return pick(choose, type.getValues()).name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || oneIn(choose, 3));
    return `{${fields.map((field) => `${field.name}: ${valueOf(choose, field.type, depth - 1)}`).join(", ")}}`;
  }
  switch (type.name) {
    case "Int":
      return String(choose(fc.integer, { min: -2, max: 120 }));
    case "Boolean":
      return String(choose(fc.boolean));
    case "DateTime":
      return JSON.stringify(choose(fc.date, { noInvalidDate: true }).toISOString());
    default:
      return pick(choose, [
        `"shirt"`,
        `"hat"`,
        `"a b"`,
        JSON.stringify(choose(fc.string, { unit: "binary", maxLength: 12 })),
      ]);
  }
}

/** By its place: fast-check compares what it is asked with, and the schema is a ring. */
function pick<T>(choose: Choose, all: readonly T[]): T {
  const picked = all[choose(fc.integer, { min: 0, max: all.length - 1 })];
  if (picked === undefined) throw new Error("There is nothing to pick from");
  return picked;
}

function oneIn(choose: Choose, count: number): boolean {
  return choose(fc.integer, { min: 1, max: count }) === 1;
}
