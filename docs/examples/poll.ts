const query = `query ($after: String) {
  stockTransactions(orderBy: OLDEST_FIRST, first: 100, after: $after) {
    edges { cursor node { productId version action quantity availableAfter allocatedAfter } }
    pageInfo { hasNextPage }
  }
}`;

interface Edge {
  readonly cursor: string;
  readonly node: { readonly productId: string; readonly version: number };
}

interface Page {
  readonly edges: readonly Edge[];
  readonly pageInfo: { readonly hasNextPage: boolean };
}

/**
 * Reads all that was accepted since a cursor, to be called now and then with the last one.
 * @param after null to begin with the first stock transaction of all
 */
export async function* readSince(url: string, token: string, after: string | null): AsyncGenerator<Edge> {
  let cursor = after;
  for (;;) {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ query, variables: { after: cursor } }),
    });
    const { data, errors } = (await response.json()) as { data?: { stockTransactions: Page } | null; errors?: unknown };
    if (data == null) throw new Error(`The ledger can't be read: ${JSON.stringify(errors)}`);
    for (const edge of data.stockTransactions.edges) {
      yield edge;
      cursor = edge.cursor;
    }
    if (!data.stockTransactions.pageInfo.hasNextPage) return;
  }
}
