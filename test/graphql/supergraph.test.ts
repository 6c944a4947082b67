import { composeServices } from "@apollo/composition";
import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { buildSchema, execute, graphql, parse, print } from "graphql";
import type { DocumentNode, GraphQLSchema } from "graphql";
import { statementsOf } from "../support/statements.ts";
import { startGraphQLServer } from "./support.ts";
import type { Answer, GraphQLServer } from "./support.ts";

/** Another team's subgraph. It knows products by name, and that a stock is a product's. */
const catalogue = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])
  type Query { products: [Product!]! productPage: PageInfo! }
  type Product @key(fields: "id") { id: ID! name: String! }
  type Stock @key(fields: "productId") { productId: ID! product: Product! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
`;

/** What the router asks of a subgraph. */
interface Request {
  readonly document: DocumentNode;
  readonly variables?: object;
}

const names: Readonly<Record<string, string>> = { shirt: "Shirt, M", hat: "Hat", sock: "Socks" };

let server: GraphQLServer;
let inventory: string;

beforeAll(async () => {
  server = await startGraphQLServer({ federation: true });
  inventory = (await server.data("{ _service { sdl } }"))._service.sdl as string;
  await server.data(
    `mutation { createStockTransactions(transactions: [
      { productId: "shirt", action: INCREMENT, quantity: 10 }, { productId: "hat", action: INCREMENT, quantity: 3 }
    ]) { index } }`,
  );
});

afterAll(() => server.close());

/** As Apollo composes them. @returns the supergraph's SDL, or the codes of what is wrong */
function compose(...subgraphs: readonly (readonly [name: string, sdl: string])[]): string | readonly unknown[] {
  const result = composeServices(
    subgraphs.map(([name, sdl]) => ({ name, url: `http://${name}.invalid/graphql`, typeDefs: parse(sdl) })),
  );
  return result.supergraphSdl ?? result.errors.map(({ extensions }) => extensions["code"]);
}

describe("composition", () => {
  test("takes the subgraph by itself, and together with one that has the same products", () => {
    expect(compose(["inventory", inventory])).toEqual(expect.any(String));
    expect(compose(["inventory", inventory], ["catalogue", catalogue])).toEqual(expect.any(String));
  });

  test("needs @shareable on what others have too", () => {
    const selfish = inventory.replace("type PageInfo @shareable", "type PageInfo");
    expect(compose(["inventory", selfish], ["catalogue", catalogue])).toContain("INVALID_FIELD_SHARING");
  });

  test("needs @key to get from one subgraph to the other", () => {
    const keyless = inventory.replace('type Product @key(fields: "id")', "type Product");
    expect(compose(["inventory", keyless], ["catalogue", catalogue])).not.toEqual(expect.any(String));
  });
});

describe("a router over the supergraph", () => {
  /** What the router asked of the gateway. */
  const asked: string[] = [];
  let router: GraphQLSchema;

  beforeAll(() => {
    const supergraphSdl = compose(["inventory", inventory], ["catalogue", catalogue]);
    if (typeof supergraphSdl !== "string") throw new Error("It was not composed");
    const catalogueSchema = createCatalogue();
    router = getStitchedSchemaFromSupergraphSdl({
      supergraphSdl,
      onSubschemaConfig: (config) => {
        const askCatalogue = ({ document, variables }: Request) =>
          execute({ schema: catalogueSchema, document, variableValues: { ...variables } });
        const executor = config.name.toLowerCase() === "inventory" ? askInventory : askCatalogue;
        config.executor = executor as typeof config.executor;
      },
    });
  });

  async function askInventory({ document, variables }: Request): Promise<Answer> {
    const source = print(document);
    asked.push(source);
    return server.graphql(source, variables);
  }

  async function ask(source: string): Promise<unknown> {
    const { data, errors } = await graphql({ schema: router, source });
    return { data, errors };
  }

  test("gets the stock of the products that the catalogue lists, with one request, one statement for the stocks and one for their histories", async () => {
    asked.length = 0;
    let answer: unknown;
    const statements = await statementsOf(async () => {
      answer = await ask(`{ products { name stock { available transactions { nodes { quantity } } } } }`);
    });
    expect(answer).toEqual({
      data: {
        products: [
          { name: "Shirt, M", stock: { available: 10, transactions: { nodes: [{ quantity: 10 }] } } },
          { name: "Hat", stock: { available: 3, transactions: { nodes: [{ quantity: 3 }] } } },
          { name: "Socks", stock: null },
        ],
      },
      errors: undefined,
    });
    expect(asked).toEqual([expect.stringContaining("_entities")]);
    expect(statements).toEqual([
      expect.stringContaining("FROM stock WHERE product_id = ANY"),
      expect.stringContaining("LEFT JOIN LATERAL"),
    ]);
  });

  test("gets from a stock to what the catalogue knows of its product", async () => {
    expect(await ask(`{ stocks(orderBy: AVAILABLE) { nodes { available product { name } } } }`)).toEqual({
      data: {
        stocks: {
          nodes: [
            { available: 3, product: { name: "Hat" } },
            { available: 10, product: { name: "Shirt, M" } },
          ],
        },
      },
      errors: undefined,
    });
  });

  test("changes stock, and passes a refusal on with what it says", async () => {
    const move = (quantity: number): string =>
      `mutation { createStockTransaction(productId: "hat", action: DECREMENT, quantity: ${quantity}) { availableAfter stock { product { name } } } }`;
    expect(await ask(move(1))).toEqual({
      data: { createStockTransaction: { availableAfter: 2, stock: { product: { name: "Hat" } } } },
      errors: undefined,
    });
    expect(await ask(move(3))).toMatchObject({
      data: null,
      errors: [{ extensions: { code: "INSUFFICIENT_STOCK", status: 422, requested: 3, available: 2 } }],
    });
  });
});

/** The catalogue, served: what a subgraph's library adds to its schema stands here. */
function createCatalogue(): GraphQLSchema {
  const schema = buildSchema(
    `${catalogue.replace(/extend schema.*\n/, "").replaceAll(/ @(key\([^)]*\)|shareable)/g, "")}
     scalar _Any
     union _Entity = Product | Stock
     extend type Query { _entities(representations: [_Any!]!): [_Entity]! }`,
  );
  const toProduct = (id: string): object => ({ __typename: "Product", id, name: names[id] });
  const fields = schema.getQueryType()?.getFields() ?? {};
  const [products, entities] = [fields["products"], fields["_entities"]];
  if (products === undefined || entities === undefined) throw new Error("They stand in the schema");
  products.resolve = () => Object.keys(names).map(toProduct);
  entities.resolve = (_root, { representations }: { representations: { id?: string; productId?: string }[] }) =>
    representations.map(({ id, productId }) =>
      productId === undefined ? toProduct(id ?? "") : { __typename: "Stock", productId, product: toProduct(productId) },
    );
  return schema;
}
