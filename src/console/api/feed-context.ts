import { createContext, useContext } from "react";
import type { Feed } from "./feed.ts";

const FeedContext = createContext<Feed | null>(null);

/** Gives the live feed to everything below. */
export const FeedProvider = FeedContext.Provider;

/** The live feed. */
export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (feed === null) throw new Error("There is no feed above this component");
  return feed;
}
