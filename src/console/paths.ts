/** The page of a product. Its id stands in the query, where no browser takes ".." or "/" for something else. */
export function productPath(productId: string): string {
  return `/product?${new URLSearchParams({ id: productId }).toString()}`;
}

/** The history's state of a page that a list of the console has led to. */
export const cameFromHere = { isFromList: true } as const;

/** Whether the way back leads to that list. */
export function hasComeFromHere(): boolean {
  const state: unknown = history.state;
  return typeof state === "object" && state !== null && Reflect.get(state, "isFromList") === true;
}
