import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Download, Locator, Page } from "playwright-core";
import { holdBack, see, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

/** Drops a file on the page, as from a folder. */
async function drop(page: Page, name: string, text: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    `(() => { const t = new DataTransfer(); t.items.add(new File([${JSON.stringify(text)}], "${name}", { type: "text/csv" })); return t; })()`,
  );
  await page.getByRole("region", { name: "Drop a CSV file" }).dispatchEvent("drop", { dataTransfer: transfer });
}

async function rowsOf(file: Download): Promise<readonly string[][]> {
  const text = await readFile(await file.path(), "utf8");
  return text
    .replace(/^\ufeff/, "")
    .trimEnd()
    .split("\r\n")
    .map((line) => line.split(","));
}

async function downloadBy(page: Page, button: string | RegExp): Promise<readonly string[][]> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  return rowsOf(await download);
}

/** Presses Tab until the button or the link with this text has the keyboard. */
async function tabTo(page: Page, text: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let presses = 0; (await page.evaluate("document.activeElement.textContent")) !== text; presses += 1) {
    if (presses === 100) throw new Error(`${key} does not lead to “${text}”`);
    await page.keyboard.press(key);
  }
}

/** The button with this text, where it has the keyboard. */
function focused(page: Page, text: string): Locator {
  return page.getByRole("button", { name: text, exact: true }).and(page.locator(":focus"));
}

/** A file of so many receipts, each of another product. */
function receipts(prefix: string, count: number): string {
  const lines = Array.from({ length: count }, (_, index) => `${prefix}-${index},INCREMENT,2`);
  return ["product_id,action,quantity", ...lines].join("\n");
}

async function countOf(prefix: string): Promise<number> {
  const { body } = await console.shop.graphql(
    "query ($prefix: String) { stocks(filter: { productIdPrefix: $prefix, availableAtLeast: 2 }) { totalCount } }",
    { prefix },
  );
  const stocks = body.data?.["stocks"] as { totalCount: number } | undefined;
  return stocks?.totalCount ?? 0;
}

describe("a dropped file", () => {
  test("is checked line by line, sent without what is wrong, and ends in a report", async () => {
    await console.shop.move({ productId: "there", action: "INCREMENT", quantity: 5 });
    const page = await console.openSignedIn("/bulk");
    const lines = [
      "Product ID;Action;Quantity;Reason;Reference;Note",
      "there;take out;3;sold;order-1;",
      "there;DECREMENT;9;;;",
      "there;borrow;1;;;",
      ";INCREMENT;1;;;",
      "new-one;Receive;4;;;",
    ];
    await drop(page, "day.csv", lines.join("\r\n"));
    await see(page.getByText("3 of 5 lines can be sent. 2 have something wrong and stay out."));
    await see(page.getByRole("row", { name: /^4 there borrow 1 .*Not sent “borrow” is no action/ }));
    await page.getByRole("button", { name: "Send 3 lines" }).click();
    await see(page.getByText("Finished: 2 done, 1 refused, 2 not sent."));
    const refusal = "“there” has 2 available. You asked for 9";
    await see(page.getByRole("row", { name: new RegExp(`^3 there DECREMENT 9 .*Refused ${refusal}`) }));
    const report = await downloadBy(page, "Report");
    expect(report.map((row) => [row[0], row[1], row[7]])).toEqual([
      ["line", "product_id", "outcome"],
      ["2", "there", "Done"],
      ["3", "there", "Refused"],
      ["4", "there", "Not sent"],
      ["5", "", "Not sent"],
      ["6", "new-one", "Done"],
    ]);
    expect(await console.shop.levels("there")).toEqual({ available: 2, allocated: 0, version: 2 });
  });

  test.each([
    ["without the names of its columns", "shirt,INCREMENT,3\n", "Missing: product_id, action, quantity."],
    ["without lines", "product_id,action,quantity\n", "The file has no lines below the names of its columns."],
    [
      "with an open quotation mark",
      'product_id,action,quantity\n"shirt,INCREMENT,3\n',
      "has a quotation mark that is not closed",
    ],
  ])("%s is turned away, and it says why", async (_name, text, problem) => {
    const page = await console.openSignedIn("/bulk");
    await drop(page, "wrong.csv", text);
    await see(page.getByRole("alert").getByText(problem));
  });

  test("can be stopped and goes on, and no line is done twice", async () => {
    const page = await console.openSignedIn("/bulk");
    await drop(page, "many.csv", receipts("stopped", 450));
    let sent = 0;
    await page.route("**/graphql", async (route) => {
      if (route.request().postData()?.includes('"CreateStockTransactions"') !== true) return await route.fallback();
      sent += 1;
      // Somebody stops it while the second batch is on its way.
      if (sent === 2) await page.getByRole("button", { name: "Stop", exact: true }).click();
      await route.fallback();
    });
    await page.getByRole("button", { name: "Send 450 lines" }).click();
    await see(page.getByText("400 of 450: 400 done, 0 refused, 0 not sent."));
    expect(await countOf("stopped-")).toBe(400);
    await page.getByRole("button", { name: "Go on" }).click();
    await see(page.getByText("Finished: 450 done, 0 refused, 0 not sent."));
    expect(sent).toBe(3);
    expect(await countOf("stopped-")).toBe(450);
    expect(await console.shop.levels("stopped-0")).toEqual({ available: 2, allocated: 0, version: 1 });
  });

  test("is sent by a double click, which does not stop it", async () => {
    // In a narrow window the one to stop comes where the one to send was.
    const page = await console.openSignedIn("/bulk", { width: 360 });
    await drop(page, "double.csv", receipts("double", 250));
    // Nothing is finished between the two clicks.
    const release = await holdBack(page);
    await page.getByRole("button", { name: "Send 250 lines" }).dblclick({ position: { x: 30, y: 18 } });
    release();
    await see(page.getByText("Finished: 250 done, 0 refused, 0 not sent."));
    expect(await countOf("double-")).toBe(250);
  });

  test("can be chosen, sent, stopped, gone on with and accounted for without a mouse", async () => {
    const page = await console.openSignedIn();
    await see(page.getByRole("grid", { name: "Stock" }));
    await tabTo(page, "Bulk");
    await page.keyboard.press("Enter");
    // Before the way there: a key that is pressed at once would be faster than the wish to be told.
    const chosen = page.waitForEvent("filechooser");
    await tabTo(page, "Choose a file");
    await page.keyboard.press("Enter");
    const buffer = Buffer.from(`${receipts("keys", 450)}\nkeys-x,borrow,1\n`);
    await (await chosen).setFiles({ name: "keys.csv", mimeType: "text/csv", buffer });
    await tabTo(page, "Send 450 lines");
    const release = await holdBack(page);
    await page.keyboard.press("Enter");
    // The button that follows on the one that was pressed has the keyboard: no Tab is needed.
    await see(focused(page, "Stop"));
    await page.keyboard.press("Enter");
    release();
    await see(page.getByText("200 of 450: 200 done, 0 refused, 1 not sent."));
    await see(focused(page, "Go on"));
    await page.keyboard.press("Enter");
    await see(page.getByText("Finished: 450 done, 0 refused, 1 not sent."));
    await see(focused(page, "Report"));
    const download = page.waitForEvent("download");
    await page.keyboard.press("Enter");
    const report = await rowsOf(await download);
    expect(report.slice(1).map((row) => row[7])).toEqual([...Array<string>(450).fill("Done"), "Not sent"]);
    await tabTo(page, "1 with a problem");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await see(
      page.getByRole("row", { name: /^452 keys-x borrow 1 .*“borrow” is no action/ }).and(page.locator(":focus")),
    );
    await page.keyboard.press("Shift+Tab");
    await tabTo(page, "Another file", "Shift+Tab");
    await page.keyboard.press("Enter");
    await see(focused(page, "Choose a file"));
  });

  test("dropped again, after a reload in the middle, does the rest and nothing twice", async () => {
    const page = await console.openSignedIn("/bulk");
    const text = receipts("again", 250);
    await drop(page, "again.csv", text);
    // The first batch is done, and the page is gone before it learns of it.
    let sent = 0;
    let reached = (): void => undefined;
    const isDone = new Promise<void>((resolve) => (reached = resolve));
    await page.route("**/graphql", async (route) => {
      if (route.request().postData()?.includes('"CreateStockTransactions"') !== true) return await route.fallback();
      sent += 1;
      if (sent > 1) return await route.fallback();
      await route.fetch();
      reached();
    });
    await page.getByRole("button", { name: "Send 250 lines" }).click();
    await isDone;
    page.once("dialog", (dialog) => void dialog.accept());
    await page.reload();
    await drop(page, "again.csv", text);
    await page.getByRole("button", { name: "Send 250 lines" }).click();
    await see(page.getByText("Finished: 250 done, 200 of them before, 0 refused, 0 not sent."));
    expect(await console.shop.levels("again-0")).toEqual({ available: 2, allocated: 0, version: 1 });
    expect(await countOf("again-")).toBe(250);
  });

  test("goes on with the same keys when the connection was lost", async () => {
    const page = await console.openSignedIn("/bulk");
    await drop(page, "lost.csv", receipts("lost", 3));
    let sent = 0;
    await page.route("**/graphql", async (route) => {
      if (route.request().postData()?.includes('"CreateStockTransactions"') !== true) return await route.fallback();
      sent += 1;
      if (sent > 1) return await route.fallback();
      await route.fetch();
      await route.abort("connectionreset");
    });
    await page.getByRole("button", { name: "Send 3 lines" }).click();
    await see(page.getByText("Finished: 3 done, 3 of them before, 0 refused, 0 not sent."));
    expect(await console.shop.levels("lost-0")).toEqual({ available: 2, allocated: 0, version: 1 });
  });
});

describe("exporting", () => {
  test("a list gives all of it as it is filtered, past the first page", async () => {
    const moves = Array.from({ length: 230 }, (_, index) => ({
      productId: `export-${String(index).padStart(3, "0")}`,
      action: "INCREMENT",
      quantity: index + 1,
    }));
    await console.shop.moveAll(moves, "EACH");
    const page = await console.openSignedIn("/?q=export-");
    await see(page.getByRole("row", { name: /^export-000 / }));
    const [header, ...rows] = await downloadBy(page, "Export CSV");
    expect(header).toEqual(["product_id", "available", "allocated", "total", "version", "updated_at"]);
    expect(rows.map((row) => row.slice(0, 5))).toEqual(
      moves.map(({ productId, quantity }) => [productId, `${quantity}`, "0", `${quantity}`, "1"]),
    );
  });

  test("the activity gives what its filters let through", async () => {
    await console.shop.move({ productId: "active", action: "CREATE", quantity: 9 });
    await console.shop.move({ productId: "active", action: "DEALLOCATE", quantity: 1 });
    await console.shop.move({ productId: "active", action: "ALLOCATE", quantity: 4 });
    await console.shop.move({ productId: "active", action: "DEALLOCATE", quantity: 3 });
    const page = await console.openSignedIn("/activity");
    await page.getByRole("combobox", { name: "Actions" }).click();
    await page.getByRole("option", { name: "Give back" }).click();
    await page.keyboard.press("Escape");
    await see(page.getByRole("row", { name: /^active Give back/ }));
    const rows = await downloadBy(page, "Export CSV");
    expect(rows.slice(1).map((row) => row.slice(1, 7))).toEqual([["active", "3", "DEALLOCATE", "3", "8", "1"]]);
  });

  test("a history keeps a spreadsheet from taking it for a formula", async () => {
    await console.shop.move({ productId: "=1+1", action: "INCREMENT", quantity: 7 });
    const page = await console.openSignedIn(`/product?id=${encodeURIComponent("=1+1")}`);
    await see(page.getByRole("grid", { name: "History" }).getByRole("row", { name: /^Receive/ }));
    const [, row] = await downloadBy(page, "Export CSV");
    expect(row?.slice(1, 7)).toEqual(['"\'=1+1"', "1", "INCREMENT", "7", "7", "0"]);
  });
});
