import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { FeedSocket } from "../support/feed-socket.ts";
import { openShop, postmasterOf, Premises, requestToken } from "./support.ts";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const program = join(packageRoot, "dist/main.js");
const premises = new Premises();

afterEach(() => premises.clear());

/** The oldest of each line of releases that package.json promises. */
const releases = ["20.19.0", "22.12.0", "24.0.0"];

test("package.json promises the releases that are tested, and what comes after them", async () => {
  const { engines } = JSON.parse(await readFile(join(packageRoot, "package.json"), "utf8")) as { engines: object };
  expect(engines).toEqual({ node: "^20.19 || ^22.12 || >=24" });
});

test.each(releases)(
  "on Node %s what is built serves GraphQL, REST, the feed and the console, and its commands run",
  async (release) => {
    const node = await installNode(release);
    const dataDir = await premises.createFolder();
    const settings = { DATA_DIR: dataDir, PORT: "0" };
    const gateway = premises.spawn(node, [program, "start"], settings);
    const url = await gateway.serving();
    const shop = await openShop(url, dataDir);

    const secret = await readFile(join(dataDir, "admin-client.secret"), "utf8");
    const socket = await FeedSocket.admitted(url, (await requestToken(url, "admin", secret)).token);
    const after = await shop.tip();
    socket.subscribe("feed", { variables: { productIds: ["shirt"], after } });
    const received = { productId: "shirt", action: "INCREMENT", quantity: 10, idempotencyKey: "delivery" };
    expect(await shop.move(received)).toMatchObject({ moved: { version: 1, availableAfter: 10 }, replayed: false });
    expect(await shop.move(received)).toMatchObject({ moved: { version: 1, availableAfter: 10 }, replayed: true });
    expect(await shop.move({ productId: "shirt", action: "ALLOCATE", quantity: 11 })).toMatchObject({
      moved: null,
      refusal: { code: "INSUFFICIENT_STOCK", available: 10, requested: 11 },
    });
    expect(await shop.moveOverRest({ productId: "shirt", action: "ALLOCATE", quantity: 4 })).toBe(200);
    expect(await shop.levels("shirt")).toEqual({ available: 6, allocated: 4, version: 2 });
    for (const version of [1, 2])
      expect((await socket.receive()).payload.data.stockTransactionCreated.node).toEqual({
        productId: "shirt",
        version,
      });
    expect((await fetch(`${url}/console`)).status).toBe(200);

    const file = join(dataDir, "stock.csv");
    await writeFile(file, "productId,quantity\nhat,3\n");
    for (const args of [["import", file], ["export", "stock"], ["verify"]]) {
      const run = premises.spawn(node, [program, ...args], settings);
      expect({ args, ...(await run.ended) }).toEqual({ args, code: 0, signal: null });
    }
    expect(await shop.levels("hat")).toEqual({ available: 3, allocated: 0, version: 1 });

    expect(await gateway.stop()).toBe(0);
    expect(gateway.stderr).toBe("");
    expect(postmasterOf(dataDir)).toBeNull();
  },
);

/** Has npm install a release, kept for the next run. @returns its program */
async function installNode(release: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(packageRoot, "node_modules/.cache/node-releases", release);
  const node = join(folder, "node_modules", name, "bin/node");
  if (!existsSync(node)) {
    await mkdir(folder, { recursive: true });
    const options = [
      "--prefix",
      folder,
      "--no-save",
      "--no-package-lock",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
    ];
    await promisify(execFile)("npm", ["install", ...options, `${name}@${release}`]);
  }
  expect((await promisify(execFile)(node, ["--version"])).stdout).toBe(`v${release}\n`);
  return node;
}
