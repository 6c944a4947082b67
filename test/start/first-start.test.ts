import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "@jest/globals";
import { findFreePort, openShop, postmasterOf, Premises } from "./support.ts";
import type { Run } from "./support.ts";

const execute = promisify(execFile);
const premises = new Premises();

afterEach(() => premises.clear());

test("a start whose secrets are in files works as the curl line says, and shows none of them", async () => {
  const folder = await premises.createFolder();
  const secret = "it's-a-secret-0123456789";
  const files = { url: join(folder, "url"), secret: join(folder, "it's the secret") };
  await writeFile(files.url, `${await premises.createDatabase()}\n`);
  await writeFile(files.secret, `${secret}\n`);
  const run = premises.start({
    DATA_DIR: join(folder, "data"),
    DATABASE_URL_FILE: files.url,
    UNSAFE_DATABASE: "allow",
    ADMIN_CLIENT_ID: "ops",
    ADMIN_CLIENT_SECRET_FILE: files.secret,
  });
  await run.serving();
  expect(welcomeOf(run)).toContain(`  Secret    in ${files.secret}`);
  expect(await pasteCurlLine(run)).toEqual(received(1));
  expect(await run.stop()).toBe(0);
  expect(run.stdout + run.stderr).not.toContain(secret);
});

describe("a first start with nothing set", () => {
  test("serves and says how to begin; the second keeps data, keys and client, and keeps the secret to itself", async () => {
    const dataDir = await premises.createFolder();
    const port = await findFreePort();
    const first = premises.start({ DATA_DIR: dataDir, PORT: String(port) });
    const url = await first.serving();
    const secretFile = join(dataDir, "admin-client.secret");
    const secret = await readFile(secretFile, "utf8");

    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(welcomeOf(first).slice(0, 7)).toEqual([
      `  Console   ${url}/console   in a browser`,
      `  GraphQL   ${url}/graphql`,
      `  Sandbox   ${url}/graphql   in a browser`,
      `  REST      ${url}/v2/inventories   (${url}/openapi.json)`,
      "",
      "  Client    admin",
      `  Secret    ${secret}   (kept in ${secretFile})`,
    ]);
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
    expect(await pasteCurlLine(first)).toEqual(received(1));
    const keys = await get(url, "/.well-known/jwks.json");
    expect(await first.stop()).toBe(0);
    expect(first.stderr).toBe("");

    const second = premises.start({ DATA_DIR: dataDir, PORT: String(port) });
    expect(await second.serving()).toBe(url);
    expect(welcomeOf(second)).toContain(`  Secret    kept in ${secretFile}`);
    expect(second.stdout + second.stderr).not.toContain(secret);
    expect(await get(url, "/.well-known/jwks.json")).toEqual(keys);
    expect(await readFile(secretFile, "utf8")).toBe(secret);
    expect(await pasteCurlLine(second)).toEqual(received(2));
    expect(await (await openShop(url, dataDir)).levels("shirt")).toEqual({ available: 20, allocated: 0, version: 2 });
    expect(await second.stop()).toBe(0);
    expect(postmasterOf(dataDir)).toBeNull();
  });

  test("works below a folder that only its owner can enter, as root and as anybody, and under a name with odd characters", async () => {
    // PostgreSQL's own user, where root starts it, can't enter it.
    const dataDir = join(await premises.createFolder(0o700), "it's a=b $HOME");
    const run = premises.start({ DATA_DIR: dataDir });
    await run.serving();
    const owner = (await stat(join(dataDir, "postgres"))).uid;
    // Root's server is another user, everybody else's is their own.
    expect(owner === process.getuid?.()).toBe(process.getuid?.() !== 0);
    expect(await pasteCurlLine(run)).toEqual(received(1));
    expect(await run.stop()).toBe(0);
    expect(postmasterOf(dataDir)).toBeNull();
  });
});

function received(version: number): object {
  const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
  return { data: { createStockTransaction: { id, version, availableAfter: 10 * version } } };
}

/** Without the lines of the log, and what stands before and after. */
function welcomeOf(run: Run): string[] {
  return run.stdout
    .split("\n")
    .filter((line) => !line.startsWith("{"))
    .join("\n")
    .trimEnd()
    .split("\n")
    .slice(1);
}

/** Does what the person does who reads it. */
async function pasteCurlLine(run: Run): Promise<unknown> {
  const line = welcomeOf(run).findLast((text) => text.trim().startsWith("curl"));
  const { stdout } = await execute("sh", ["-c", line ?? ""]);
  return JSON.parse(stdout);
}

async function get(url: string, path: string): Promise<unknown> {
  return (await fetch(url + path)).json();
}
