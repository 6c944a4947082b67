import graphqlPlugin, { configs, parser } from "@graphql-eslint/eslint-plugin";

/** ESLint looks at schema.graphql only, with @graphql-eslint's recommended rules; TypeScript is oxlint's. */
export default [
  {
    files: ["schema.graphql"],
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema: "schema.graphql" } } },
    plugins: { "@graphql-eslint": graphqlPlugin },
    rules: {
      ...configs["flat/schema-recommended"].rules,
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            // A stock is identified by its product's id, under the name that the contract gives it. The others are no things of their
            // own: what became of a request, why it was refused, and where a page stands.
            types: ["Stock", "StockTransactionResult", "StockError", "PageInfo"],
            // Parts of a page, as Relay names them.
            suffixes: ["Connection", "Edge"],
          },
        },
      ],
    },
  },
];
