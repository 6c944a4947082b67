import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { see, signIn, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

describe("signing in", () => {
  test("takes a client's id and secret, keeps the token for the tab and the secret nowhere", async () => {
    const page = await console.open();
    await page.goto("/console");
    await signIn(page, console.gateway);
    const kept = await page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])");
    expect(kept).toContain("inventory-gateway.session");
    expect(kept).not.toContain(console.gateway.clientSecret);
    await page.reload();
    await see(page.getByRole("grid", { name: "Stock" }));
    const other = await console.open();
    await other.goto("/console");
    await see(other.getByRole("form", { name: "Sign in" }));
  });

  test("refuses a wrong secret, and says so", async () => {
    const page = await console.open();
    await page.goto("/console");
    const client = { clientId: console.gateway.clientId, clientSecret: "wrong" };
    await page.getByLabel("Client id").fill(client.clientId);
    await page.getByLabel("Client secret").fill(client.clientSecret);
    await page.keyboard.press("Enter");
    await see(page.getByRole("alert").getByText("The client id or the secret is wrong."));
  });

  test("ends with signing out: the token is gone, and so is what was shown", async () => {
    await console.shop.move({ productId: "seen-before", action: "INCREMENT", quantity: 3 });
    const page = await console.open();
    await page.goto("/console");
    await signIn(page, console.gateway);
    await see(page.getByText("seen-before"));
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await see(page.getByRole("form", { name: "Sign in" }));
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(await page.getByText("seen-before").count()).toBe(0);
  });
});

describe("the access token", () => {
  test("is renewed before it runs out, while the page has the secret", async () => {
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console");
    await signIn(page, console.gateway);
    const first = await tokenOf(page);
    // Two tokens of the same second are the same.
    const renewal = page.waitForResponse((response) => response.url().endsWith("/oauth/access_token"));
    await page.clock.fastForward("50:00");
    expect((await renewal).status()).toBe(200);
    await page.waitForFunction(`!sessionStorage.getItem("inventory-gateway.session").includes("${first}")`);
    await see(page.getByRole("grid", { name: "Stock" }));
  });

  test("is renewed once the gateway is back, however long it was away: nobody has to type the secret again", async () => {
    await console.shop.move({ productId: "back-again", action: "INCREMENT", quantity: 4 });
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console");
    await signIn(page, console.gateway);
    await see(page.getByText("Live", { exact: true }));
    const first = await tokenOf(page);
    await page.route("**/oauth/access_token", (route) => route.abort("connectionrefused"));
    const tried = page.waitForRequest("**/oauth/access_token");
    await page.clock.fastForward("02:00:00");
    await tried;
    // What needs a token now waits and says so, and asks for no secret.
    await page.getByRole("link", { name: "Activity" }).click();
    await page.clock.runFor(20_000);
    await see(page.getByText("The gateway can't be reached."));
    expect(await page.getByRole("dialog").count()).toBe(0);
    // Before the way is open: it tries again by itself, too.
    const renewal = page.waitForResponse("**/oauth/access_token");
    await page.unroute("**/oauth/access_token");
    await page.clock.runFor(5_000);
    expect((await renewal).status()).toBe(200);
    await page.waitForFunction(`!sessionStorage.getItem("inventory-gateway.session").includes("${first}")`);
    await see(page.getByRole("row", { name: /^back-again/ }));
  });

  test("that comes after signing out signs nobody in", async () => {
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console");
    await signIn(page, console.gateway);
    let release = (): void => undefined;
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/oauth/access_token", async (route) => {
      await isReleased;
      await route.fallback();
    });
    const asked = page.waitForRequest("**/oauth/access_token");
    await page.clock.fastForward("50:00");
    await asked;
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await see(page.getByRole("form", { name: "Sign in" }));
    const answered = page.waitForResponse("**/oauth/access_token");
    release();
    await (await answered).finished();
    // Whatever the page makes of the answer it has made before it has painted twice.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    await see(page.getByRole("form", { name: "Sign in" }));
  });

  test("is asked for again in time after a reload, which forgets the secret", async () => {
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console");
    await signIn(page, console.gateway);
    await page.reload();
    await see(page.getByRole("grid", { name: "Stock" }));
    await page.clock.fastForward("50:00");
    await page.getByRole("button", { name: "Stay signed in" }).click();
    await page.getByLabel("Client secret").fill(console.gateway.clientSecret);
    await page.keyboard.press("Enter");
    await page.getByText("You are signed in until").waitFor({ state: "detached" });
  });

  test("that has run out leads back to signing in, to the page as it was", async () => {
    const page = await console.open();
    await page.clock.install();
    await page.goto("/console");
    await signIn(page, console.gateway);
    await page.reload();
    await page.getByLabel("Search by product id").fill("typed");
    await page.clock.fastForward("01:01:00");
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await see(dialog.getByText("Your access token has run out."));
    await dialog.getByLabel("Client secret").fill(console.gateway.clientSecret);
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    expect(await page.getByLabel("Search by product id").inputValue()).toBe("typed");
  });
});

async function tokenOf(page: { evaluate(script: string): Promise<unknown> }): Promise<string> {
  return String(await page.evaluate('JSON.parse(sessionStorage.getItem("inventory-gateway.session")).token'));
}
