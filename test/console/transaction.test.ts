import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Locator, Page } from "playwright-core";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { holdBack, see, signIn, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

/** Opens the form on a new product that has ten units, and fills it in. */
async function fillIn(page: Page, productId: string, action: string, quantity: number): Promise<Locator> {
  await page.goto(`/console/product?id=${productId}`);
  await page.getByRole("button", { name: "Move stock" }).click();
  const form = page.getByRole("dialog", { name: "Move stock" });
  await form.getByRole("button", { name: action, exact: true }).click();
  await form.getByLabel("Quantity").fill(`${quantity}`);
  return form;
}

/** The keys and quantities of what a page has sent, as it sends them. */
function recordSent(page: Page): { readonly key: string; readonly quantity: number }[] {
  const sent: { key: string; quantity: number }[] = [];
  page.on("request", (request) => {
    const body = request.url().endsWith("/graphql") ? (request.postData() ?? "") : "";
    if (!body.includes('"CreateStockTransaction"')) return;
    const { variables } = JSON.parse(body) as { variables: { idempotencyKey: string; quantity: number } };
    sent.push({ key: variables.idempotencyKey, quantity: variables.quantity });
  });
  return sent;
}

describe("a stock transaction", () => {
  test("shows the levels that it leads to, and is recorded with reason, reference and note", async () => {
    await console.shop.move({ productId: "full", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn();
    const form = await fillIn(page, "full", "Allocate", 4);
    const preview = form.getByRole("region", { name: "Resulting levels" });
    await see(preview.getByText("→ 6"));
    await see(preview.getByText("→ 4"));
    await form.getByRole("combobox", { name: "Reason" }).click();
    await page.getByRole("option", { name: "Reserved" }).click();
    await form.getByLabel("Reference").fill("order-4711");
    await form.getByLabel("Note").fill("For Friday");
    await form.getByRole("button", { name: "Send" }).click();
    await see(form.getByText("Allocate: 4 of “full”. Now 6 available and 4 allocated."));
    const query = `{ stock(productId: "full") { transactions(first: 1) { nodes { action quantity reason reference note actor } } } }`;
    const { body } = await console.shop.graphql(query, {});
    const recorded = {
      action: "ALLOCATE",
      quantity: 4,
      reason: "RESERVED",
      reference: "order-4711",
      note: "For Friday",
    };
    const nodes = [{ ...recorded, actor: console.gateway.clientId }];
    expect(body).toEqual({ data: { stock: { transactions: { nodes } } } });
  });

  test("that is refused says what is there, what was asked and what is missing; the next one has a new key", async () => {
    await console.shop.move({ productId: "scarce", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn();
    const sent = recordSent(page);
    const form = await fillIn(page, "scarce", "Take out", 12);
    await form.getByRole("button", { name: "Send" }).click();
    await see(form.getByText("“scarce” has 10 available. You asked for 12, so 2 are missing. Nothing was changed."));
    await form.getByLabel("Quantity").fill("10");
    await form.getByRole("button", { name: "Send" }).click();
    await see(form.getByText("Now 0 available and 0 allocated."));
    expect(sent.map(({ quantity }) => quantity)).toEqual([12, 10]);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(2);
  });

  test("is checked before it is sent", async () => {
    const page = await console.openSignedIn();
    const sent = recordSent(page);
    await page.getByRole("button", { name: "Move stock" }).click();
    const form = page.getByRole("dialog", { name: "Move stock" });
    await form.getByLabel("Quantity").fill("1.5");
    await form.getByRole("button", { name: "Send" }).click();
    await see(form.getByText("The product id is missing"));
    await see(form.getByText("The quantity has to be a whole number"));
    expect(sent).toEqual([]);
  });

  test("sent by a double click is done once", async () => {
    await console.shop.move({ productId: "double", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn();
    const sent = recordSent(page);
    const form = await fillIn(page, "double", "Take out", 3);
    // An answer between the two clicks would put something else below the second.
    const release = await holdBack(page);
    await form.getByRole("button", { name: "Send" }).dblclick();
    release();
    await see(form.getByText("Now 7 available and 0 allocated."));
    expect(sent).toHaveLength(1);
    expect(await console.shop.levels("double")).toEqual({ available: 7, allocated: 0, version: 2 });
  });
});

test.each([1_280, 360])("%i px wide, a second click that comes after the answer leaves what it says", async (width) => {
  const productId = `clicked-${width}`;
  await console.shop.move({ productId, action: "INCREMENT", quantity: 10 });
  const page = await console.openSignedIn();
  await page.setViewportSize({ width, height: 800 });
  const form = await fillIn(page, productId, "Take out", 3);
  const box = await form.getByRole("button", { name: "Send" }).boundingBox();
  if (box === null) throw new Error("The button is drawn");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (const clickCount of [1, 2]) {
    await page.mouse.down({ clickCount });
    await page.mouse.up({ clickCount });
    await see(form.getByText("Now 7 available and 0 allocated."));
  }
  // Whatever the page makes of the click it has made before it has painted twice.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  expect(await form.getByText("Now 7 available and 0 allocated.").isVisible()).toBe(true);
  await form.getByRole("button", { name: "Next one" }).click();
  await see(form.getByRole("button", { name: "Send" }));
});

describe("when the connection is lost", () => {
  test("after the gateway has done it, the same key is sent again, it says so, and it is done once", async () => {
    await console.shop.move({ productId: "dropped", action: "INCREMENT", quantity: 10 });
    const proxy = await startTcpProxy({ host: "127.0.0.1", port: Number(new URL(console.gateway.url).port) });
    try {
      const page = await console.open({ url: `http://127.0.0.1:${proxy.port}` });
      const sent = recordSent(page);
      await page.goto("/console");
      await signIn(page, console.gateway);
      const form = await fillIn(page, "dropped", "Take out", 3);
      // Chromium itself sends a request again whose connection had carried others before: each answer is dropped until it gives up.
      const enough = new AbortController();
      const dropAnswers = async (): Promise<void> => {
        while (!enough.signal.aborted) await proxy.dropAnswerTo("mutation CreateStockTransaction(");
      };
      void dropAnswers();
      await form.getByRole("button", { name: "Send" }).click();
      await see(form.getByText("Sending again with the same key, attempt"));
      enough.abort();
      await see(form.getByText("Now 7 available and 0 allocated. The connection was lost on the way: it was sent"));
      expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
      expect(sent.length).toBeGreaterThan(1);
      expect(await console.shop.levels("dropped")).toEqual({ available: 7, allocated: 0, version: 2 });
      await page.context().close();
    } finally {
      await proxy.close();
    }
  });

  test("a reload keeps the form and its key, and finds out what became of it", async () => {
    await console.shop.move({ productId: "reloaded", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn();
    const sent = recordSent(page);
    // The gateway does it, and its answer never arrives. The route stays: without one Chromium would send on what it holds.
    let isHeld = false;
    await page.route("**/graphql", async (route) => {
      const isSending = route.request().postData()?.includes('"CreateStockTransaction"') === true;
      if (!isSending || isHeld) return await route.fallback();
      isHeld = true;
      await route.fetch();
      reached();
    });
    let reached = (): void => undefined;
    const isDone = new Promise<void>((resolve) => (reached = resolve));
    const form = await fillIn(page, "reloaded", "Take out", 3);
    await form.getByRole("button", { name: "Send" }).click();
    await isDone;
    await page.reload();
    await see(form.getByText("so it may have been done"));
    expect(await form.getByLabel("Quantity").inputValue()).toBe("3");
    await form.getByRole("button", { name: "Send again with the same key" }).click();
    await see(form.getByText("Now 7 available and 0 allocated."));
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    expect(await console.shop.levels("reloaded")).toEqual({ available: 7, allocated: 0, version: 2 });
  });
});

describe("a token that is not good any more", () => {
  test("asks for another sign-in above the form, which is sent when it has come", async () => {
    await console.shop.move({ productId: "expired", action: "INCREMENT", quantity: 10 });
    const page = await console.openSignedIn();
    const form = await fillIn(page, "expired", "Take out", 3);
    // As the gateway answers a token that has run out. What the page reads by itself meanwhile goes on as before.
    let isExpired = true;
    await page.route("**/graphql", async (route) => {
      const isSending = route.request().postData()?.includes('"CreateStockTransaction"') === true;
      if (!isSending || !isExpired) return await route.fallback();
      isExpired = false;
      await route.fulfill({ status: 401, json: { errors: [] } });
    });
    await form.getByRole("button", { name: "Send" }).click();
    const signingIn = page.getByRole("dialog", { name: "Sign in again" });
    await signingIn.getByLabel("Client secret").fill(console.gateway.clientSecret);
    await signingIn.getByRole("button", { name: "Sign in" }).click();
    await see(form.getByText("Now 7 available and 0 allocated."));
    expect(await console.shop.levels("expired")).toEqual({ available: 7, allocated: 0, version: 2 });
  });

  test("of a client that was revoked lets another one take over, with the form as it was", async () => {
    await console.shop.move({ productId: "revoked", action: "INCREMENT", quantity: 10 });
    const { client, secret } = await console.gateway.gateway.clients.create({
      name: "Leaving",
      scopes: ["inventory:read", "inventory:write"],
      implicit: false,
    });
    const page = await console.open();
    await page.goto("/console");
    await signIn(page, { clientId: client.id, clientSecret: secret });
    const form = await fillIn(page, "revoked", "Take out", 3);
    await form.getByLabel("Note").fill("Typed before");
    await console.gateway.gateway.clients.revoke(client.id);
    const signingIn = page.getByRole("dialog", { name: "Sign in again" });
    await see(signingIn.getByText("The gateway does not take your access token any more"));
    await signingIn.getByRole("button", { name: "Use another client" }).click();
    await signIn(page, console.gateway);
    await page.getByRole("button", { name: "Move stock" }).click();
    expect(await form.getByLabel("Note").inputValue()).toBe("Typed before");
    await form.getByRole("button", { name: "Send" }).click();
    await see(form.getByText("Now 7 available and 0 allocated."));
  });
});
