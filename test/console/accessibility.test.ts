import { afterAll, beforeAll, expect, test } from "@jest/globals";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
  await console.shop.move({ productId: "shirt-m", action: "INCREMENT", quantity: 12 });
  await console.shop.move({ productId: "shirt-m", action: "ALLOCATE", quantity: 2 });
});

afterAll(() => console.close());

/** What axe finds, each with the elements concerned. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const run = "axe.run({ resultTypes: ['violations'] })";
  const { violations } = await page.evaluate<axe.AxeResults>(run);
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Every view, and how to get there from the signed-in console. */
const views: readonly [string, (page: Page) => Promise<unknown>][] = [
  ["the list of stock", (page) => page.getByRole("row", { name: /shirt-m/ }).waitFor()],
  [
    "an empty list",
    async (page) => {
      await page.getByLabel("Search by product id").fill("nothing begins with this");
      await page.getByText("No product fits").waitFor();
    },
  ],
  [
    "a product",
    async (page) => {
      await page.getByRole("row", { name: /shirt-m/ }).click();
      await page
        .getByRole("region", { name: "Levels over time" })
        .locator("svg path")
        .first()
        .waitFor({ state: "attached" });
      await page.getByRole("grid", { name: "History" }).getByRole("row").nth(2).waitFor();
    },
  ],
  [
    "the form",
    async (page) => {
      await page.getByRole("row", { name: /shirt-m/ }).click();
      await page.getByRole("button", { name: "Move stock" }).click();
      await page.getByRole("dialog", { name: "Move stock" }).getByLabel("Quantity").fill("3");
      await page.getByText("As things stand now.").waitFor();
    },
  ],
  [
    "a file with a problem in it, sent",
    async (page) => {
      await page.getByRole("link", { name: "Bulk" }).click();
      const buffer = Buffer.from("product_id,action,quantity\nshirt-m,INCREMENT,1\nshirt-m,borrow,1\n");
      await page.getByLabel("CSV file", { exact: true }).setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer });
      await page.getByRole("button", { name: "Send 1 line" }).click();
      await page.getByText(/^Finished/).waitFor();
    },
  ],
  [
    "the activity",
    async (page) => {
      await page.getByRole("link", { name: "Activity" }).click();
      await page
        .getByRole("row", { name: /shirt-m/ })
        .first()
        .waitFor();
    },
  ],
];

test.each([
  ["light", 1_280],
  ["light", 360],
  ["dark", 1_280],
] as const)("axe finds nothing in %s colours at a width of %d", async (colorScheme, width) => {
  const page = await console.openSignedIn("/", { width, colorScheme });
  for (const [name, show] of views) {
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Stock" }).click();
    await show(page);
    expect({ name, findings: await findings(page) }).toEqual({ name, findings: [] });
    const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    expect({ name, overflow }).toEqual({ name, overflow: 0 });
  }
});

test.each([
  ["light", 1_280],
  ["light", 360],
  ["dark", 1_280],
] as const)("axe finds nothing in GraphiQL in %s colours at a width of %d", async (colorScheme, width) => {
  const page = await console.openSignedIn("/", { width, colorScheme });
  // Five megabytes of script come first.
  await page.goto("/graphiql", { timeout: 60_000 });
  await page.getByRole("button", { name: /^Execute query/ }).click({ timeout: 60_000 });
  await page.getByText('"shirt-m"').waitFor();
  expect(await findings(page)).toEqual([]);
  const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  expect(overflow).toBe(0);
  await page.getByRole("button", { name: "New tab" }).click();
  const untitled = page.getByRole("listitem").getByRole("button", { name: "<untitled>" });
  await untitled.waitFor();
  expect(await untitled.getAttribute("aria-current")).toBe("true");
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByRole("link", { name: "StockErrorCode" }).click();
  await page.getByText("INSUFFICIENT_STOCK").first().waitFor();
  expect(await findings(page)).toEqual([]);
});

test.each([
  ["light", 1_280],
  ["dark", 360],
] as const)("axe finds nothing on the landing page in %s colours at a width of %d", async (colorScheme, width) => {
  const page = await console.open({ colorScheme, width });
  await page.goto("/");
  expect(await findings(page)).toEqual([]);
});

test.each(["light", "dark"] as const)("axe finds nothing on the way in, in %s colours", async (colorScheme) => {
  const page = await console.open({ colorScheme });
  await page.goto("/console");
  await page.getByRole("form", { name: "Sign in" }).waitFor();
  expect(await findings(page)).toEqual([]);
});
