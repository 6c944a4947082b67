import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import type { Locator, Page } from "playwright-core";
import { holdBack, see, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
  const moves = [
    { productId: "hat-1", action: "INCREMENT", quantity: 50 },
    { productId: "hat-2", action: "INCREMENT", quantity: 4 },
    { productId: "hat-3", action: "INCREMENT", quantity: 30 },
    { productId: "hat-3", action: "ALLOCATE", quantity: 25 },
    { productId: "scarf", action: "INCREMENT", quantity: 15 },
  ];
  await console.shop.moveAll(moves, "EACH");
});

afterAll(() => console.close());

/** The products in view, in their order. */
function productsOf(page: Page): Promise<string[]> {
  return page.getByRole("grid", { name: "Stock" }).locator("[data-row] [role=gridcell]:first-child").allInnerTexts();
}

/** Waits until the list has these products, in this order. */
async function seeProducts(page: Page, products: readonly string[]): Promise<void> {
  // At first: a list that is on its way has no row too many either, but no others.
  await page.locator(`[data-row="${products.length}"]`).waitFor({ state: "detached" });
  const first = page.locator(`[data-row="0"]`).filter({ hasText: products[0] ?? "" });
  await see(first);
  const last = page.locator(`[data-row="${products.length - 1}"]`).filter({ hasText: products.at(-1) ?? "" });
  await see(last);
  expect(await productsOf(page)).toEqual(products);
}

function option(page: Page, name: string): Locator {
  return page.getByRole("option", { name });
}

describe("the list of stock", () => {
  test("searches by the beginning of a product id, filters and orders, and keeps that in the address", async () => {
    const page = await console.openSignedIn("/?q=hat");
    await seeProducts(page, ["hat-1", "hat-2", "hat-3"]);
    await page.getByRole("button", { name: "Low stock" }).click();
    await seeProducts(page, ["hat-2", "hat-3"]);
    await page.getByLabel("Low stock is at most").fill("4");
    await seeProducts(page, ["hat-2"]);
    await page.getByRole("button", { name: "Low stock" }).click();
    await page.getByRole("button", { name: "Allocated" }).click();
    await seeProducts(page, ["hat-3"]);
    await page.getByRole("button", { name: "Allocated" }).click();
    await page.getByRole("combobox", { name: "Order" }).click();
    await option(page, "Fewest first").click();
    await seeProducts(page, ["hat-2", "hat-3", "hat-1"]);
    await page.getByLabel("Search by product id").fill("");
    await seeProducts(page, ["hat-2", "hat-3", "scarf", "hat-1"]);
    await page.reload();
    await seeProducts(page, ["hat-2", "hat-3", "scarf", "hat-1"]);
  });

  test("is found again as it was left on the way back from a product", async () => {
    const page = await console.openSignedIn("/?q=hat&low=10");
    await page.getByRole("row", { name: /^hat-2 / }).click();
    await see(page.getByRole("heading", { name: "hat-2" }));
    await page.getByRole("button", { name: "Back" }).click();
    await seeProducts(page, ["hat-2", "hat-3"]);
    // A product that was not come to from a list has a way to all of them.
    await page.goto("/console/product?id=hat-2");
    await page.getByRole("button", { name: "Back" }).click();
    await seeProducts(page, ["hat-1", "hat-2", "hat-3", "scarf"]);
  });

  test("that has nothing to show for its filters leads back to all stock", async () => {
    const page = await console.openSignedIn("/?q=nothing&low=3");
    await see(page.getByText("No product fits"));
    await page.getByRole("button", { name: "Show all stock" }).click();
    await seeProducts(page, ["hat-1", "hat-2", "hat-3", "scarf"]);
  });

  test("says that it is on its way until it is there", async () => {
    const page = await console.openSignedIn("/bulk");
    const release = await holdBack(page);
    await page.getByRole("link", { name: "Stock" }).click();
    const loading = page.getByRole("gridcell", { name: "Loading" });
    await see(loading);
    expect(await loading.getAttribute("aria-busy")).toBe("true");
    release();
    await see(page.getByRole("row", { name: /^scarf / }));
    expect(await loading.count()).toBe(0);
  });

  test("says so when it can't be loaded, and loads it when asked again", async () => {
    const page = await console.openSignedIn("/bulk");
    // A feed that met the fault as well would load the list by itself when it is back.
    await see(page.getByText("Live", { exact: true }));
    await page.route("**/graphql", (route) => route.fulfill({ status: 500, json: { errors: [] } }));
    await page.getByRole("link", { name: "Stock" }).click();
    await see(page.getByText("The list could not be loaded"));
    await page.unroute("**/graphql");
    const release = await holdBack(page);
    await page.getByRole("button", { name: "Try again" }).click();
    await see(page.getByRole("gridcell", { name: "Loading" }));
    release();
    await see(page.getByRole("row", { name: /^scarf / }));
  });

  test("can be used without a mouse, from the way in to a stock transaction", async () => {
    const page = await console.open();
    const press = (...keys: readonly string[]): Promise<void> =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    await page.goto("/console/?q=hat");
    await see(page.getByLabel("Client id"));
    await page.keyboard.type(console.gateway.clientId);
    await press("Tab");
    await page.keyboard.type(console.gateway.clientSecret);
    await press("Enter");
    await see(page.getByRole("row", { name: /^hat-3 / }));
    // One row is in the order of Tab; the keys go on from there.
    while (!(await page.evaluate("document.activeElement.matches('[data-row]')"))) await press("Tab");
    await press("ArrowDown", "End", "ArrowUp", "Home", "ArrowDown");
    await see(page.locator("[data-row='1']:focus"));
    await press("Enter");
    await see(page.getByRole("heading", { name: "hat-2" }));
    while (!(await page.evaluate("document.activeElement.textContent === 'Move stock'"))) await press("Tab");
    await press("Enter");
    await see(page.getByRole("dialog").getByLabel("Quantity").and(page.locator(":focus")));
    await page.keyboard.type("2");
    await press("Enter");
    await see(page.getByText("Now 6 available and 0 allocated."));
    await see(page.getByRole("button", { name: "Next one" }).and(page.locator(":focus")));
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});

test("a phone of 360 px is wide enough: from the list to a product, to a stock transaction and back", async () => {
  await console.shop.move({ productId: "phone", action: "INCREMENT", quantity: 8 });
  const page = await console.openSignedIn("/", { width: 360 });
  await page.getByLabel("Search by product id").fill("phone");
  // It was in the list before as well: a click would be lost where the one row gives way to the other.
  await seeProducts(page, ["phone"]);
  await page.getByRole("row", { name: /^phone 8 0$/ }).click();
  await page.getByRole("button", { name: "Move stock" }).click();
  const form = page.getByRole("dialog", { name: "Move stock" });
  await form.getByRole("button", { name: "Allocate" }).click();
  await form.getByLabel("Quantity").fill("30");
  await form.getByRole("button", { name: "Send" }).click();
  const refusal = form.getByText("“phone” has 8 available. You asked for 30, so 22 are missing. Nothing was changed.");
  await see(refusal);
  // What was refused, and the way to put it right, are in the window together.
  for (const part of [refusal, form.getByRole("button", { name: "Send" })]) {
    const { x, y, width, height } = (await part.boundingBox()) ?? { x: -1, y: -1, width: 0, height: 0 };
    expect(x >= 0 && y >= 0 && x + width <= 360 && y + height <= 740).toBe(true);
  }
  await form.getByLabel("Quantity").fill("3");
  await form.getByRole("button", { name: "Send" }).click();
  await see(form.getByText("Now 5 available and 3 allocated."));
  await form.getByRole("button", { name: "Close" }).click();
  await see(page.getByRole("grid", { name: "History" }).getByRole("row", { name: /^Allocate just now −3 5$/ }));
  await page.getByRole("button", { name: "Back" }).click();
  await see(page.getByRole("row", { name: /^phone 5 3$/ }));
});

test("100 000 products are paged through without being loaded: only what is looked at, and little more", async () => {
  await fill(console.gateway.databaseUrl, 100_000);
  const page = await console.openSignedIn("/bulk");
  const pages: unknown[] = [];
  page.on("request", (request) => {
    if (request.postData()?.includes('"operationName":"Stocks"') === true) pages.push(request);
  });
  await page.getByRole("link", { name: "Stock" }).click();
  await page.getByLabel("Search by product id").fill("item-");
  await see(page.locator("[data-row='0']").filter({ hasText: "item-000000" }));
  const before = pages.length;
  // Down to the last row there is, again and again: each time there are a hundred more.
  await page.locator("[data-row='0']").focus();
  for (const last of [99, 199, 299]) {
    await page.keyboard.press("End");
    await see(page.locator(`[data-row='${last}']:focus`));
    await see(page.locator(`[data-row='${last + 1}']`));
  }
  await see(page.getByRole("row", { name: /^item-000300 300 0 300 / }));
  expect(pages.length - before).toBeLessThan(8);
  expect(await page.locator("[data-row]").count()).toBeLessThan(60);
});

/** Tracks so many products at once: how they came about is not what the list is about. */
async function fill(databaseUrl: string, count: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO stock (product_id, available, allocated, version, tracked, created_at, updated_at)
       SELECT 'item-' || lpad(n::text, 6, '0'), n, 0, 1, true, now(), now() FROM generate_series(0, $1::int - 1) AS n`,
      [count],
    );
  } finally {
    await client.end();
  }
}
