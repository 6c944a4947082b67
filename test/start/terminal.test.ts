import { afterEach, expect, test } from "@jest/globals";
import { eventually, isListening, openShop, Premises } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

test("in a terminal the log is made for people: a request is one short line", async () => {
  const dataDir = await premises.createFolder();
  const settings = {
    UNSAFE_DATABASE: "allow",
    DATABASE_URL: await premises.createDatabase(),
    DATA_DIR: dataDir,
    PORT: "0",
  };
  // It gives the program a terminal, and copies what it writes there.
  const run = premises.spawn("script", ["-qefc", `exec ${process.execPath} dist/main.js start`, "/dev/null"], {
    ...settings,
    NO_COLOR: "1",
  });
  const url = (await run.serving()).trim();
  const shop = await openShop(url, dataDir);
  await shop.move({ productId: "hat", action: "ALLOCATE", quantity: 1 });
  const words = "POST /graphql mutation createStockTransaction \\(Move\\) 200 REFUSED STOCK_NOT_FOUND";
  const line = new RegExp(`^\\[\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\] INFO: ${words} [\\d.]+ ms admin [0-9a-f-]{36}$`);
  const count = (): number => run.stdout.split("\r\n").filter((each) => line.test(each)).length;
  await eventually("its line", () => count() > 0);
  expect(count()).toBe(1);
  expect(run.stdout).not.toContain('{"level"');
  await run.stop();
  await eventually("its end", async () => !(await isListening(url)));
});
