import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import type { GraphQLArgument, GraphQLInputField, GraphQLSchema } from "graphql";
import { federationText, schemaText } from "../../src/graphql/print-schema.ts";

const schema = buildSchema(schemaText());
const contract = buildSchema(readFileSync(new URL("../fixtures/contract.graphql", import.meta.url), "utf8"));

/** Everything in a schema by its coordinate, with its type (and default) and its description. */
function elementsOf(source: GraphQLSchema): Map<string, { type: string; description: string | null | undefined }> {
  const elements = new Map<string, { type: string; description: string | null | undefined }>();
  const addInput = (
    coordinate: string,
    { type, defaultValue, description }: GraphQLArgument | GraphQLInputField,
  ): void =>
    void elements.set(coordinate, {
      type: defaultValue === undefined ? String(type) : `${String(type)} = ${JSON.stringify(defaultValue)}`,
      description,
    });
  for (const type of Object.values(source.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    elements.set(type.name, { type: type.constructor.name, description: type.description });
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        elements.set(`${type.name}.${field.name}`, { type: String(field.type), description: field.description });
        for (const argument of field.args) addInput(`${type.name}.${field.name}(${argument.name}:)`, argument);
      }
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) addInput(`${type.name}.${field.name}`, field);
    }
    if (isEnumType(type)) {
      for (const value of type.getValues())
        elements.set(`${type.name}.${value.name}`, { type: "", description: value.description });
    }
  }
  return elements;
}

describe("schema.graphql", () => {
  test("is what the code says: `npm run schema` brings it up to date", () => {
    expect(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8")).toBe(schemaText());
  });

  test("is a subgraph's as schema.federation.graphql says", () => {
    expect(readFileSync(new URL("../../schema.federation.graphql", import.meta.url), "utf8")).toBe(federationText());
  });

  test("has a description for every type, field, argument, enum value and input field", () => {
    const bare = [...elementsOf(schema)].filter(([, { description }]) => (description ?? "").trim() === "");
    expect(bare.map(([coordinate]) => coordinate)).toEqual([]);
  });

  test("covers the contract, with its names, types, nullability and defaults", () => {
    const built = elementsOf(schema);
    const promised = [...elementsOf(contract)];
    expect(promised.length).toBeGreaterThan(150);
    const served = promised.map(([coordinate]) => [coordinate, built.get(coordinate)?.type]);
    expect(served).toEqual(promised.map(([coordinate, { type }]) => [coordinate, type]));
  });
});
