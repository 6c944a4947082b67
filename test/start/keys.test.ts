import { afterEach, expect, test } from "@jest/globals";
import { query, requestToken, Premises } from "./support.ts";

const premises = new Premises();

afterEach(() => premises.clear());

const date = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const secret = "0123456789abcdef";

test("keys rotate and keys list, beside a running gateway: old tokens hold, until the old keys are forgotten", async () => {
  const databaseUrl = await premises.createDatabase();
  const settings = {
    DATABASE_URL: databaseUrl,
    DATA_DIR: await premises.createFolder(),
    UNSAFE_DATABASE: "allow",
    ADMIN_CLIENT_ID: "ops",
    ADMIN_CLIENT_SECRET: secret,
    LOG_LEVEL: "warn",
  };
  const keys = async (...args: string[]): Promise<string> => {
    const run = premises.run(["keys", ...args], settings);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr).toBe("");
    return run.stdout;
  };
  const ids = async (): Promise<string[]> =>
    (await query(databaseUrl, "SELECT id FROM signing_key ORDER BY created_at")).map(({ id }) => String(id));

  expect(await keys("list")).toBe("");
  const gateway = premises.start(settings);
  const url = await gateway.serving();
  const reads = async (token: string): Promise<number> => {
    const response = await fetch(`${url}/v2/inventories`, { headers: { authorization: `Bearer ${token}` } });
    await response.text();
    return response.status;
  };
  const { token } = await requestToken(url, "ops", secret);
  const [first] = await ids();
  expect(await keys("list")).toMatch(new RegExp(`^${first}\tES256\t${date}\tsigns\n$`));

  expect(await keys("rotate")).toBe("Rotated.\n");
  const [, second] = await ids();
  expect(await keys("list")).toMatch(
    new RegExp(`^${second}\tES256\t${date}\tsigns soon\n${first}\tES256\t${date}\tsigns, verifies until ${date}\n$`),
  );
  expect(await reads(token)).toBe(200);

  await query(
    databaseUrl,
    `UPDATE signing_key SET created_at = now() - interval '3 hours', retired_at = now() - interval '2 hours' WHERE id = '${first}'`,
  );
  expect(await keys("list")).toMatch(
    new RegExp(`^${second}\tES256\t${date}\tsigns\n${first}\tES256\t${date}\tended ${date}\n$`),
  );

  expect(await keys("rotate", "--forget-old")).toBe("Rotated, and the old keys deleted.\n");
  const left = await ids();
  expect(left).toHaveLength(1);
  expect([first, second]).not.toContain(left[0]);
  expect(await keys("list")).toMatch(new RegExp(`^${left[0]}\tES256\t${date}\tsigns\n$`));
  expect(await gateway.stop()).toBe(0);
});
