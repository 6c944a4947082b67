import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";
import { Shop } from "../support/shop.ts";

const builtPage = fileURLToPath(new URL("../../dist/console/index.html", import.meta.url));
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** A gateway, a real Chromium, and a shop that works beside the people at the console. */
export interface Console {
  readonly gateway: TestGateway;
  readonly shop: Shop;
  /** Opens a window of its own: nothing is shared with others. Whatever it should not have met ends the test at `close`. */
  open(options?: WindowOptions): Promise<Page>;
  /** The same, at a path below /console, as a tab that has signed in and was loaded anew: with a token and without the secret. */
  openSignedIn(path?: string, options?: WindowOptions): Promise<Page>;
  /** Watches a window that a page has opened like those that the test opens. */
  watch(page: Page): Page;
  close(): Promise<void>;
}

export interface WindowOptions {
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  /** Without it nothing moves, and nothing waits for what moves. */
  readonly reducedMotion?: "reduce" | "no-preference";
  /** In place of the gateway's own address. */
  readonly url?: string;
}

/** Starts both. @throws Error that says what is missing */
export async function startConsole(options: TestGatewayOptions = {}): Promise<Console> {
  if (!existsSync(executablePath))
    throw new Error(`There is no Chromium at ${executablePath}: apt-get install chromium, or say where in CHROMIUM`);
  if (!existsSync(builtPage)) throw new Error("The console is not built: npm run build");
  const gateway = await startTestGateway(options);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const mishaps: string[] = [];
  const session = JSON.stringify({
    clientId: gateway.clientId,
    token: await gateway.token(),
    expiresAt: Date.now() + 3_600_000,
  });
  const open = async (windowOptions: WindowOptions = {}): Promise<Page> => {
    const context = await openContext(browser, gateway, windowOptions);
    return watch(await context.newPage(), gateway.url, mishaps);
  };
  return {
    gateway,
    shop: await Shop.open(gateway),
    open,
    openSignedIn: async (path = "/", windowOptions = {}) => {
      const page = await open(windowOptions);
      await page.addInitScript(`sessionStorage.setItem("inventory-gateway.session", ${JSON.stringify(session)})`);
      await page.goto(`/console${path}`);
      await page.getByRole("navigation", { name: "Console" }).waitFor();
      return page;
    },
    watch: (page) => watch(page, gateway.url, mishaps),
    close: async () => {
      await browser.close();
      await gateway.close();
      if (mishaps.length > 0) throw new Error(`The pages met: ${mishaps.join("\n")}`);
    },
  };
}

function openContext(browser: Browser, gateway: TestGateway, options: WindowOptions): Promise<BrowserContext> {
  const { width = 1_280, colorScheme = "light", reducedMotion = "reduce", url = gateway.url } = options;
  return browser.newContext({
    baseURL: url,
    viewport: { width, height: width < 600 ? 740 : 800 },
    colorScheme,
    reducedMotion,
    acceptDownloads: true,
    locale: "en-GB",
    timezoneId: "UTC",
  });
}

/** Collects what no page may meet: an unforeseen error, a breach of its policy, a request to another host. */
function watch(page: Page, origin: string, mishaps: string[]): Page {
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => mishaps.push(error.stack ?? error.message));
  page.on("console", (message) => {
    const text = message.text();
    const isLostConnection = text.startsWith("Failed to load resource") || text.startsWith("WebSocket connection to");
    if (message.type() === "error" && !isLostConnection) mishaps.push(text);
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (hostname !== new URL(origin).hostname && protocol.startsWith("http"))
      mishaps.push(`asked for ${request.url()}`);
  });
  return page;
}

/** Fills in the sign-in form. */
export async function signIn(
  page: Page,
  client: { readonly clientId: string; readonly clientSecret: string },
): Promise<void> {
  await page.getByLabel("Client id").fill(client.clientId);
  await page.getByLabel("Client secret").fill(client.clientSecret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Console" }).waitFor();
}

/** Holds back whatever a page asks of the API from now on, until the returned function is called. */
export async function holdBack(page: Page): Promise<() => void> {
  let release = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/graphql", async (route) => {
    await isReleased;
    await route.fallback();
  });
  return release;
}

/** Waits until it is there to be seen. @throws Error where it does not come */
export async function see(locator: Locator): Promise<void> {
  await locator.first().waitFor();
}
