import { GraphQLScalarType, isObjectType, Kind, parse, print, printSchema, visit } from "graphql";
import type { DocumentNode, GraphQLResolveInfo, GraphQLSchema } from "graphql";
import { Arg, createUnionType, Ctx, Field, Info, ObjectType, Query, Resolver } from "type-graphql";
import { InvalidInputError } from "../inventory/errors.ts";
import { parseProductId } from "../inventory/input.ts";
import type { Stock as StockData } from "../inventory/stock.ts";
import { authorize } from "./context.ts";
import type { GraphQLContext } from "./context.ts";
import { describeLargeAnswer } from "./limits.ts";
import { Meter } from "./measure.ts";
import { Product } from "./product.ts";
import { Stock } from "./stock.ts";

const representationsMax = 1_000;

@ObjectType("_Service", { description: "This subgraph, for those who compose it with others.", simpleResolvers: true })
class Service {
  @Field(() => String, { description: "Its schema, with Apollo Federation's directives." })
  readonly sdl!: string;
}

const Any = new GraphQLScalarType<unknown, unknown>({
  name: "_Any",
  description: "What a router knows of an entity: its `__typename`, and the field that is its key.",
});

const Entity = createUnionType({
  name: "_Entity",
  description: "What other subgraphs know by the same key.",
  types: () => [Stock, Product] as const,
  resolveType: (entity) => ("productId" in entity ? Stock : Product),
});

/** How whoever may see the schema reads it as a subgraph's. */
@Resolver()
export class ServiceQuery {
  @Query(() => Service, {
    name: "_service",
    description: "The schema for composition. Needs what introspection needs.",
  })
  service(@Info() { schema }: GraphQLResolveInfo): Service {
    return { sdl: subgraphText(schema) };
  }
}

/** How a router gets from another subgraph's entity to what is known of it here. */
@Resolver()
export class EntitiesQuery {
  @Query(() => [Entity], {
    name: "_entities",
    nullable: "items",
    description:
      "The stocks and products with these keys, up to 1 000, in the order asked; null for the stock of a product that is not " +
      "tracked. Needs the scope inventory:read. One that is no key: BAD_USER_INPUT, and null in its place.",
  })
  entities(
    @Arg("representations", () => [Any], { description: "The entities' types and keys." })
    representations: readonly unknown[],
    @Ctx() context: GraphQLContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<StockData | Product | null>[] {
    authorize(context, "inventory:read");
    if (representations.length > representationsMax)
      throw new InvalidInputError("representations", `representations has more than ${representationsMax} entities`);
    refuseTooMuch(info);
    return representations.map((representation) => findEntity(representation, context));
  }
}

/** Validation could not tell: it knows no variables, and so not how many entities there are. */
function refuseTooMuch({ operation, fragments, variableValues }: GraphQLResolveInfo): void {
  const message = describeLargeAnswer(
    new Meter((name) => fragments[name], variableValues).measure(operation.selectionSet),
  );
  if (message !== null) throw new InvalidInputError("representations", message);
}

async function findEntity(representation: unknown, { loaders }: GraphQLContext): Promise<StockData | Product | null> {
  const read = (name: string): unknown => Reflect.get(Object(representation), name);
  switch (read("__typename")) {
    case "Stock":
      return loaders.stock.load(parseKey(read("productId")));
    case "Product":
      return { id: parseKey(read("id")) };
    default:
      throw new InvalidInputError("representations", "__typename has to be Stock or Product");
  }
}

/** As an ID is read: a whole number stands for its digits. */
function parseKey(value: unknown): string {
  if (typeof value === "string" || Number.isSafeInteger(value)) return parseProductId(String(value));
  throw new InvalidInputError("representations", "The key is missing: productId of a Stock, id of a Product");
}

const subgraphTexts = new WeakMap<GraphQLSchema, string>();

/** {@link printSubgraph}, once for each schema. */
export function subgraphText(schema: GraphQLSchema): string {
  const text = subgraphTexts.get(schema) ?? printSubgraph(schema);
  subgraphTexts.set(schema, text);
  return text;
}

/** What a subgraph says of itself: its own types and fields, with the directives that say what is shared with others. */
function printSubgraph(schema: GraphQLSchema): string {
  const document: DocumentNode = visit(parse(printSchema(schema)), {
    [Kind.OBJECT_TYPE_DEFINITION](node) {
      if (isMachinery(node.name.value)) return null;
      const type = schema.getType(node.name.value);
      const directives = isObjectType(type) ? type.astNode?.directives : undefined;
      return directives === undefined ? undefined : { ...node, directives };
    },
    [Kind.UNION_TYPE_DEFINITION]: ({ name }) => (isMachinery(name.value) ? null : undefined),
    [Kind.SCALAR_TYPE_DEFINITION]: ({ name }) => (isMachinery(name.value) ? null : undefined),
    [Kind.FIELD_DEFINITION]: ({ name }) => (isMachinery(name.value) ? null : undefined),
  });
  return `${link}\n\n${print(document)}\n`;
}

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])';

/** Federation's own, which composition knows of. */
function isMachinery(name: string): boolean {
  return name.startsWith("_");
}
