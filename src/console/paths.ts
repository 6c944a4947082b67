/** The page of a product. Its id stands in the query, where no browser takes ".." or "/" for something else. */
export function productPath(productId: string): string {
  return `/product?${new URLSearchParams({ id: productId }).toString()}`;
}
