// Takes the screenshots of docs/screenshots: every view of the console at two widths, from a gateway of its own with stock of
// its own. Run after `npm run build`:
//   npm run screenshots
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../", import.meta.url));
const target = join(root, "docs/screenshots");
const widths = [1_280, 360];

/** Each view, reached from the one before. */
const views = {
  landing: (page) => page.goto("/"),
  "sign-in": async (page, secret) => {
    await page.goto("/console");
    await page.getByLabel("Client id").fill("admin");
    await page.getByLabel("Client secret").fill(secret);
  },
  stock: async (page) => {
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("row", { name: /^beanie-black-m/ }).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
  },
  "stock-empty": async (page) => {
    await page.goto("/console/?q=umbrella");
    await page.getByText("No product fits").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
  },
  product: async (page) => {
    await page.goto("/console/product?id=shirt-navy-m");
    await page.getByRole("grid", { name: "History" }).getByRole("row").nth(3).waitFor();
    await page
      .getByRole("region", { name: "Levels over time" })
      .locator("svg path")
      .first()
      .waitFor({ state: "attached" });
    await page.getByText("Live", { exact: true }).waitFor();
  },
  form: async (page) => {
    await page.getByRole("button", { name: "Move stock" }).click();
    await form(page).getByRole("button", { name: "Allocate", exact: true }).click();
    await form(page).getByLabel("Quantity").fill("12");
    await form(page).getByLabel("Reference").fill("order-93107");
    await form(page).getByText("As things stand now.").waitFor();
  },
  "form-refused": async (page) => {
    await form(page).getByLabel("Quantity").fill("500");
    await form(page).getByRole("button", { name: "Send" }).click();
    await form(page).getByText("Refused", { exact: true }).waitFor();
  },
  activity: async (page) => {
    await page.goto("/console/activity");
    await page.getByRole("row").nth(4).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
  },
  bulk: async (page) => {
    await page.goto("/console/bulk");
    await page.getByText("Live", { exact: true }).waitFor();
  },
  "bulk-finished": async (page) => {
    const lines = [
      "product_id,action,quantity,reason,reference,note",
      "socks-sand-m,INCREMENT,40,RECEIVED,delivery-4811,",
      "socks-sand-l,INCREMENT,60,RECEIVED,delivery-4811,",
      "socks-sand-xl,DECREMENT,900,DAMAGED,,Found wet",
      "socks-navy-m,borrow,1,,,",
      "scarf-sand-m,ALLOCATE,1,RESERVED,order-93108,",
    ];
    await page
      .getByLabel("CSV file", { exact: true })
      .setInputFiles({ name: "delivery-4811.csv", mimeType: "text/csv", buffer: Buffer.from(lines.join("\n")) });
    await page.getByRole("button", { name: /^Send/ }).click();
    await page.getByText(/^Finished/).waitFor();
    // The bar takes a moment to get to its end.
    await page
      .getByRole("progressbar", { name: "Lines sent" })
      .evaluate((bar) => Promise.all(bar.getAnimations({ subtree: true }).map(({ finished }) => finished)));
  },
  graphiql: async (page) => {
    await page.goto("/graphiql");
    await page.getByRole("button", { name: /^Execute query/ }).click();
    await page.getByText('"productId"').first().waitFor({ state: "attached" });
  },
};

function form(page) {
  return page.getByRole("dialog", { name: "Move stock" });
}

const dataDir = await mkdtemp(join(tmpdir(), "inventory-gateway-screenshots-"));
await chmod(dataDir, 0o755);
const gateway = spawn(process.execPath, [join(root, "dist/main.js"), "start"], {
  env: {
    PATH: process.env.PATH,
    WORKERS: "1",
    HOME: tmpdir(),
    PORT: "0",
    DATA_DIR: dataDir,
    LOG_LEVEL: "warn",
    RATE_LIMIT_PER_CLIENT: "0",
  },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const url = await addressOf(gateway);
  const secret = await readFile(join(dataDir, "admin-client.secret"), "utf8");
  await fillStock(url, await tokenOf(url, secret));
  await spreadOverTime(dataDir);
  await mkdir(target, { recursive: true });
  await takeAll(url, secret);
} finally {
  gateway.kill("SIGTERM");
  await once(gateway, "exit");
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

async function addressOf(child) {
  let text = "";
  for await (const bytes of child.stdout) {
    text += bytes;
    const url = /^ {2}GraphQL +(\S+)\/graphql$/m.exec(text)?.[1];
    if (url !== undefined && text.includes("Receive ten units")) return keepReading(child, url);
  }
  throw new Error(`The gateway did not start: ${text}`);
}

function keepReading(child, url) {
  child.stdout.resume();
  return url;
}

async function tokenOf(url, secret) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "admin", client_secret: secret });
  const response = await fetch(`${url}/oauth/access_token`, { method: "POST", body });
  return (await response.json()).access_token;
}

/** A shop's stock, the same each time. */
async function fillStock(url, token) {
  const random = randomFrom(7);
  const kinds = ["beanie", "belt", "hoodie", "jacket", "jeans", "polo", "scarf", "shirt", "socks", "sweater"];
  const sizes = ["s", "m", "l", "xl"];
  const products = kinds.flatMap((kind) =>
    ["black", "navy", "sand"].flatMap((color) => sizes.map((size) => `${kind}-${color}-${size}`)),
  );
  const receipts = products.map((productId) => ({
    productId,
    action: "INCREMENT",
    quantity: 4 + Math.floor(random() * 160),
    reason: "RECEIVED",
    reference: `delivery-${4700 + Math.floor(random() * 40)}`,
  }));
  await send(url, token, receipts);
  const orders = products
    .filter(() => random() < 0.6)
    .map((productId, index) => ({
      productId,
      action: "ALLOCATE",
      quantity: 1 + Math.floor(random() * 12),
      reason: "RESERVED",
      reference: `order-${90210 + index}`,
    }));
  await send(url, token, orders);
  await send(url, token, historyOf("shirt-navy-m", random));
}

function historyOf(productId, random) {
  const lines = [];
  for (let index = 0; index < 90; index += 1) {
    const order = `order-${91000 + index}`;
    const quantity = 1 + Math.floor(random() * 9);
    lines.push({ productId, action: "ALLOCATE", quantity, reason: "RESERVED", reference: order });
    if (random() < 0.5) lines.push({ productId, action: "DEALLOCATE", quantity, reason: "RELEASED", reference: order });
    if (random() < 0.5)
      lines.push({
        productId,
        action: "DECREMENT",
        quantity: 1 + Math.floor(random() * 6),
        reason: "SOLD",
        reference: `order-${92000 + index}`,
      });
    if (index % 12 === 11)
      lines.push({
        productId,
        action: "INCREMENT",
        quantity: 70,
        reason: "RECEIVED",
        reference: `delivery-${4800 + index}`,
        note: "Two boxes were wet, the shirts are fine.",
      });
  }
  return lines;
}

async function send(url, token, transactions) {
  const query =
    "mutation ($transactions: [StockTransactionInput!]!) { createStockTransactions(transactions: $transactions, policy: EACH) { index } }";
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables: { transactions } }),
  });
  const { errors } = await response.json();
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}

/** What was done in a second is told as if it had taken two weeks: a chart of seconds shows nothing. */
async function spreadOverTime(folder) {
  const password = (await readFile(join(folder, "postgres/gateway.password"), "utf8")).trim();
  const port = (await readFile(join(folder, "postgres/postmaster.pid"), "utf8")).split("\n")[3].trim();
  const client = new pg.Client(`postgresql://postgres:${password}@127.0.0.1:${port}/inventory_gateway`);
  await client.connect();
  const age =
    "interval '2.3 hours' * (s.version - t.version) + interval '41 seconds' * (length(s.product_id) * ascii(right(s.product_id, 4)))";
  await client.query(
    `UPDATE stock_transaction t SET created_at = now() - (${age}) FROM stock s WHERE s.product_id = t.product_id`,
  );
  await client.query(
    "UPDATE stock s SET updated_at = t.created_at FROM stock_transaction t WHERE t.product_id = s.product_id AND t.version = s.version",
  );
  await client.end();
}

async function takeAll(url, secret) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  try {
    for (const width of widths) await takeViews(browser, { url, secret, width, colorScheme: "light" });
    await takeViews(browser, { url, secret, width: widths[0], colorScheme: "dark", only: ["stock", "product"] });
  } finally {
    await browser.close();
  }
}

async function takeViews(browser, { url, secret, width, colorScheme, only }) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height: width < 600 ? 740 : 800 },
    colorScheme,
    reducedMotion: "reduce",
    locale: "en-GB",
  });
  const page = await context.newPage();
  const suffix = colorScheme === "dark" ? `${width}-dark` : `${width}`;
  for (const [name, show] of Object.entries(views)) {
    await show(page, secret);
    await page.evaluate(() => document.fonts.ready);
    // Nothing is lit up by a pointer that nobody sees.
    await page.mouse.move(0, 0);
    if (only === undefined || only.includes(name))
      await page.screenshot({ path: join(target, `${name}-${suffix}.png`), animations: "disabled" });
  }
  await context.close();
}

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
