import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { see, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

/** What the history says was done, from the newest on. */
function historyOf(page: Page): Promise<string[]> {
  return page.getByRole("grid", { name: "History" }).locator("[data-row] [role=gridcell]:first-child").allInnerTexts();
}

async function record(productId: string, action: string, quantity: number, reference: string | null): Promise<void> {
  const mutation = `mutation ($productId: ID!, $action: StockAction!, $quantity: Int!, $reference: String) {
    createStockTransaction(productId: $productId, action: $action, quantity: $quantity, reference: $reference) { id }
  }`;
  const { body } = await console.shop.graphql(mutation, { productId, action, quantity, reference });
  expect(body.errors).toBeUndefined();
}

test("a product's history is filtered, and news that don't fit the filter stay out of it", async () => {
  await record("filtered", "INCREMENT", 20, "delivery-1");
  await record("filtered", "ALLOCATE", 5, "order-1");
  await record("filtered", "ALLOCATE", 6, "order-2");
  const page = await console.openSignedIn("/product?id=filtered");
  await see(page.getByText("Live", { exact: true }));
  await see(page.locator("[data-row='2']"));
  expect(await historyOf(page)).toEqual(["Allocate", "Allocate", "Receive"]);
  await page.getByRole("combobox", { name: "Actions" }).click();
  await page.getByRole("option", { name: "Allocate", exact: true }).click();
  await page.keyboard.press("Escape");
  await page.locator("[data-row='2']").waitFor({ state: "detached" });
  await see(page.locator("[data-row='1']"));
  expect(await historyOf(page)).toEqual(["Allocate", "Allocate"]);
  await page.getByLabel("Reference").fill("order-2");
  await page.locator("[data-row='1']").waitFor({ state: "detached" });
  await see(page.locator("[data-row='0']"));
  await record("filtered", "DECREMENT", 1, "order-2");
  await record("filtered", "ALLOCATE", 2, "order-2");
  await see(page.getByRole("row", { name: /^Allocate −2 6 13 order-2/ }));
  expect(await historyOf(page)).toEqual(["Allocate", "Allocate"]);
});

test("a product that is not tracked says so, and shows itself once it is", async () => {
  const page = await console.openSignedIn("/product?id=untracked");
  await see(page.getByText("This product is not tracked"));
  await see(page.getByText("Live", { exact: true }));
  await record("untracked", "CREATE", 8, null);
  await see(page.getByRole("region", { name: "Levels", exact: true }).getByText("Version 1"));
  await see(page.getByRole("grid", { name: "History" }).getByRole("row", { name: /^Track \+8 8 0/ }));
});

test("a product that can't be loaded says so, and is loaded when asked again", async () => {
  await record("unreadable", "CREATE", 8, null);
  const page = await console.openSignedIn("/bulk");
  // A feed that met the fault as well would load the product by itself when it is back.
  await see(page.getByText("Live", { exact: true }));
  await page.route("**/graphql", (route) => route.fulfill({ status: 500, json: { errors: [] } }));
  await page.evaluate("history.pushState(null, '', '/console/product?id=unreadable')");
  await see(page.getByText("The product could not be loaded"));
  await see(page.getByRole("alert").getByText("The gateway answered with HTTP 500."));
  await page.unroute("**/graphql");
  await page.getByRole("button", { name: "Try again" }).click();
  await see(page.getByRole("region", { name: "Levels", exact: true }).getByText("Version 1"));
});

test("a product's chart goes on until now, also from its only stock transaction, and further back when asked to", async () => {
  await record("charted", "INCREMENT", 1, null);
  const page = await console.openSignedIn("/product?id=charted");
  const panel = page.getByRole("region", { name: "Levels over time" });
  const line = panel.locator("path.MuiLineElement-root, .MuiLineChart-line").first();
  await line.waitFor({ state: "attached" });
  // From its one level on it is drawn as wide as the chart.
  expect((await line.boundingBox())?.width).toBeGreaterThan(500);
  const moves = Array.from({ length: 150 }, () => ({ productId: "charted", action: "INCREMENT", quantity: 1 }));
  await console.shop.moveAll(moves, "EACH");
  await page.reload();
  await see(panel.getByText("The last 100 stock transactions"));
  await panel.getByRole("button", { name: "Further back" }).click();
  await panel.getByText("The last").waitFor({ state: "detached" });
  expect(await panel.getByRole("button", { name: "Further back" }).count()).toBe(0);
});

test("a product with a long history shows the first page, and the next ones as one goes on", async () => {
  const moves = Array.from({ length: 150 }, () => ({ productId: "long", action: "INCREMENT", quantity: 1 }));
  await console.shop.moveAll(moves, "EACH");
  const page = await console.openSignedIn("/product?id=long");
  await see(page.locator("[data-row='0']"));
  await page.locator("[data-row='0']").focus();
  await page.keyboard.press("End");
  await see(page.getByRole("row", { name: /^Receive \+1 51 0/ }));
  await see(page.locator("[data-row='100']"));
  await page.keyboard.press("End");
  await see(page.getByRole("row", { name: /^Receive \+1 1 0/ }));
});
