import { InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

/** One entry a product, by its id, that every list and page reads: what one of them learns, all of them show. */
export function createCache(): InMemoryCache {
  return new InMemoryCache({
    typePolicies: {
      Stock: {
        keyFields: ["productId"],
        fields: { transactions: relayStylePagination(["filter"]) },
      },
      Query: {
        fields: {
          stock: {
            read: (existing, { args, toReference }) =>
              existing === undefined && args !== null
                ? toReference({ __typename: "Stock", productId: args["productId"] })
                : existing,
          },
          stocks: relayStylePagination(["filter", "orderBy"]),
          stockTransactions: relayStylePagination(["filter", "orderBy"]),
        },
      },
    },
  });
}
