import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Locator, Page, WebSocketRoute } from "playwright-core";
import { see, signIn, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

/** The page's way to the feed. */
interface SeverableFeed {
  /** Whether nobody gets through. */
  isAway: boolean;
  /** Takes it away, from who has got through as well. */
  sever(): Promise<void>;
}

async function severableFeedOf(page: Page): Promise<SeverableFeed> {
  const sockets: WebSocketRoute[] = [];
  const feed: SeverableFeed = {
    isAway: false,
    sever: async () => {
      feed.isAway = true;
      for (const socket of sockets) await socket.close({ code: 1012 });
    },
  };
  await page.routeWebSocket("**/graphql", async (socket) => {
    if (feed.isAway) return await socket.close({ code: 1012 });
    socket.connectToServer();
    sockets.push(socket);
  });
  return feed;
}

/** A product's row in the list. */
function rowOf(page: Page, productId: string): Locator {
  return page.getByRole("row", { name: productId });
}

/** Waits until the row has these levels. */
function seeLevels(page: Page, productId: string, available: number, allocated: number): Promise<void> {
  return see(page.getByRole("row", { name: new RegExp(`^${productId} ${available} ${allocated} `) }));
}

describe("two windows", () => {
  test("watch each other: what one does, the other shows, and it lights up", async () => {
    await console.shop.move({ productId: "watched", action: "INCREMENT", quantity: 10 });
    const watcher = await console.openSignedIn("/", { reducedMotion: "no-preference" });
    await seeLevels(watcher, "watched", 10, 0);
    await see(watcher.getByText("Live", { exact: true }));
    const worker = await console.openSignedIn("/product?id=watched");
    await worker.getByRole("button", { name: "Move stock" }).click();
    await worker.getByRole("button", { name: "Allocate", exact: true }).click();
    await worker.getByLabel("Quantity").fill("4");
    await worker.getByRole("button", { name: "Send" }).click();
    await see(worker.getByText("Now 6 available and 4 allocated."));
    await seeLevels(watcher, "watched", 6, 4);
    expect(await rowOf(watcher, "watched").locator("[data-change='-1']").innerText()).toBe("6");
    expect(await rowOf(watcher, "watched").locator("[data-change='1']").innerText()).toBe("4");
    const style = `getComputedStyle(document.querySelector("[data-change='1']"))`;
    expect(await watcher.evaluate(`${style}.animationName`)).toMatch(/^animation-/);
  });

  test("show a product's levels, chart and history as they change", async () => {
    await console.shop.move({ productId: "followed", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn("/product?id=followed");
    const history = page.getByRole("grid", { name: "History" });
    await see(history.getByRole("row", { name: /^Receive \+10/ }));
    await see(page.getByText("Live", { exact: true }));
    const lines = page
      .getByRole("region", { name: "Levels over time" })
      .locator("path.MuiLineElement-root, .MuiLineChart-line");
    await lines.first().waitFor({ state: "attached" });
    const before = await lines.first().getAttribute("d");
    expect(before).not.toBeNull();
    await console.shop.move({ productId: "followed", action: "DECREMENT", quantity: 3 });
    await see(history.getByRole("row", { name: /^Take out −3 7 0/ }));
    await see(page.getByRole("region", { name: "Levels", exact: true }).getByText("Version 2"));
    // The parts of the page are drawn one after another.
    const hasChanged = page.locator(`:not([d="${before}"])`);
    await lines.first().and(hasChanged).waitFor({ state: "attached" });
  });

  test("tell of products that the list does not have yet, and show them when asked to", async () => {
    const page = await console.openSignedIn("/?q=fresh-");
    await see(page.getByText("No product fits"));
    await see(page.getByText("Live", { exact: true }));
    await console.shop.move({ productId: "fresh-1", action: "CREATE", quantity: 5 });
    await see(page.getByText("1 new product"));
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await seeLevels(page, "fresh-1", 5, 0);
  });

  test("tell only of new products that the list's filters let through, as these are now", async () => {
    const page = await console.openSignedIn("/?q=sifted-&low=10&allocated=yes");
    await see(page.getByText("No product fits"));
    await see(page.getByText("Live", { exact: true }));
    await console.shop.move({ productId: "other-than-sifted", action: "CREATE", quantity: 5 });
    await console.shop.move({ productId: "sifted-many", action: "CREATE", quantity: 50 });
    await console.shop.move({ productId: "sifted-unallocated", action: "CREATE", quantity: 5 });
    await console.shop.move({ productId: "sifted-few", action: "CREATE", quantity: 5 });
    await console.shop.move({ productId: "sifted-few", action: "ALLOCATE", quantity: 2 });
    await see(page.getByText("1 new product"));
    expect(await page.getByText(/new product/).innerText()).toBe("1 new product");
    await console.shop.move({ productId: "sifted-many", action: "ALLOCATE", quantity: 41 });
    await see(page.getByText("2 new products"));
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await seeLevels(page, "sifted-few", 3, 2);
    await seeLevels(page, "sifted-many", 9, 41);
    expect(await page.getByText(/new product/).count()).toBe(0);
  });
});

test("what was done while the connection was away is shown when it is back", async () => {
  await console.shop.move({ productId: "missed", action: "INCREMENT", quantity: 1 });
  const page = await console.open();
  const feed = await severableFeedOf(page);
  await page.goto("/console/?q=missed");
  await signIn(page, console.gateway);
  await see(page.getByText("Live", { exact: true }));
  await seeLevels(page, "missed", 1, 0);
  await feed.sever();
  await see(page.getByText("Reconnecting", { exact: true }));
  await console.shop.move({ productId: "missed", action: "INCREMENT", quantity: 6 });
  feed.isAway = false;
  await seeLevels(page, "missed", 7, 0);
  await see(page.getByText("Live", { exact: true }));
});

test("an answer that was read before a change, and comes after the news of it, does not undo it", async () => {
  await console.shop.move({ productId: "overtaken", action: "INCREMENT", quantity: 1 });
  const page = await console.openSignedIn("/?q=overtaken");
  await see(page.getByText("Live", { exact: true }));
  await seeLevels(page, "overtaken", 1, 0);
  let isAsked = (): void => undefined;
  const asked = new Promise<void>((resolve) => (isAsked = resolve));
  let release = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/graphql", async (route) => {
    if (route.request().postData()?.includes('"operationName":"StockHistory"') !== true) return await route.fallback();
    const response = await route.fetch();
    isAsked();
    await isReleased;
    await route.fulfill({ response });
  });
  await page.getByRole("row", { name: /^overtaken/ }).click();
  await asked;
  await console.shop.move({ productId: "overtaken", action: "INCREMENT", quantity: 6 });
  const levels = page.getByRole("region", { name: "Levels", exact: true });
  await see(levels.getByText("Version 2"));
  release();
  await see(page.getByRole("grid", { name: "History" }).getByRole("row", { name: /^Receive \+6 7 0/ }));
});

test("what could not be loaded while the gateway was away is loaded once it is back", async () => {
  await console.shop.move({ productId: "unloaded", action: "INCREMENT", quantity: 3 });
  const page = await console.open();
  const feed = await severableFeedOf(page);
  await page.route("**/graphql", (route) => (feed.isAway ? route.abort("connectionrefused") : route.fallback()));
  await page.goto("/console/bulk");
  await signIn(page, console.gateway);
  await see(page.getByText("Live", { exact: true }));
  await feed.sever();
  await see(page.getByText("Reconnecting", { exact: true }));
  await page.getByRole("link", { name: "Stock" }).click();
  await see(page.getByText("The list could not be loaded"));
  feed.isAway = false;
  await seeLevels(page, "unloaded", 3, 0);
});

describe("a product that somebody has stopped tracking", () => {
  /** Tracks two, and stops tracking the first when it is called. */
  async function trackTwo(prefix: string): Promise<() => Promise<void>> {
    const moves = [1, 2].map((number) => ({ productId: `${prefix}-${number}`, action: "CREATE", quantity: number }));
    await console.shop.moveAll(moves, "EACH");
    return async () => {
      const mutation = "mutation ($productId: ID!) { deleteStock(productId: $productId) { version } }";
      const { body } = await console.shop.graphql(mutation, { productId: `${prefix}-1` });
      expect(body).toEqual({ data: { deleteStock: { version: 1 } } });
    };
  }

  test("leaves the list of every window within half a minute, and comes back when it is tracked again", async () => {
    const stopTracking = await trackTwo("untold");
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console/?q=untold-");
    await signIn(page, console.gateway);
    await seeLevels(page, "untold-1", 1, 0);
    await see(page.getByText("Live", { exact: true }));
    await stopTracking();
    await page.clock.fastForward(30_000);
    await rowOf(page, "untold-1").waitFor({ state: "detached" });
    await seeLevels(page, "untold-2", 2, 0);
    await console.shop.move({ productId: "untold-1", action: "INCREMENT", quantity: 8 });
    await seeLevels(page, "untold-1", 8, 0);
  });

  test("leaves a list as soon as its window is gone back to", async () => {
    const stopTracking = await trackTwo("gone");
    const page = await console.openSignedIn("/?q=gone-");
    await seeLevels(page, "gone-1", 1, 0);
    await stopTracking();
    // Chromium without a screen never takes the focus away from a page, so nor does it give it back.
    await page.evaluate("dispatchEvent(new Event('focus'))");
    await rowOf(page, "gone-1").waitFor({ state: "detached" });
    expect(await rowOf(page, "gone-2").count()).toBe(1);
  });

  test("says so on its own page", async () => {
    const stopTracking = await trackTwo("left");
    const page = await console.openSignedIn("/product?id=left-1");
    await see(page.getByRole("region", { name: "Levels", exact: true }).getByText("Version 1"));
    await stopTracking();
    await page.evaluate("dispatchEvent(new Event('focus'))");
    await see(page.getByText("This product is not tracked"));
  });
});

test("what others do reaches an open form: it shows what the levels will be now", async () => {
  await console.shop.move({ productId: "contended", action: "INCREMENT", quantity: 9 });
  const page = await console.openSignedIn("/product?id=contended");
  await see(page.getByText("Live", { exact: true }));
  await page.getByRole("button", { name: "Move stock" }).click();
  await page.getByRole("button", { name: "Take out" }).click();
  await page.getByLabel("Quantity").fill("5");
  const preview = page.getByRole("region", { name: "Resulting levels" });
  await see(preview.getByText("→ 4"));
  await console.shop.move({ productId: "contended", action: "DECREMENT", quantity: 6 });
  await see(preview.getByText("→ −2"));
  await see(preview.getByText("2 missing: it would be refused as things stand."));
});
