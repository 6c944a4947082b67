import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { see, startConsole } from "./support.ts";
import type { Console } from "./support.ts";

let console: Console;

beforeAll(async () => {
  console = await startConsole();
});

afterAll(() => console.close());

describe("the landing page", () => {
  test("says what is running, and leads to the console, Sandbox, GraphiQL, OpenAPI and health", async () => {
    const page = await console.open();
    await page.goto("/");
    await see(page.getByText("Running, and the database answers."));
    const links = page.getByRole("link");
    const paths = await links.evaluateAll((found) => found.map((link) => link.getAttribute("href")));
    expect(paths).toEqual(["/console", "/graphql", "/graphiql", "/openapi.json", "/readyz"]);
    for (const path of paths) {
      const response = await fetch(`${console.gateway.url}${path}`, { headers: { accept: "text/html" } });
      await response.text();
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
    }
    await links.first().click();
    await see(page.getByRole("form", { name: "Sign in" }));
  });

  test("is JSON for programs", async () => {
    const response = await fetch(console.gateway.url);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toMatchObject({ console: "/console", graphiql: "/graphiql" });
  });
});

describe("GraphiQL", () => {
  test("comes from this host alone, has the token of the console's session, and runs a query", async () => {
    await console.shop.move({ productId: "asked-for", action: "INCREMENT", quantity: 3 });
    const page = await console.openSignedIn();
    await page.getByRole("button", { name: /^Account of/ }).click();
    const opened = page.context().waitForEvent("page");
    await page.getByRole("menuitem", { name: "GraphiQL" }).click();
    const graphiql = console.watch(await opened);
    // Five megabytes of script come first.
    await graphiql.getByRole("button", { name: /^Execute query/ }).click({ timeout: 60_000 });
    await see(graphiql.getByText('"asked-for"'));
    expect(await graphiql.evaluate("JSON.stringify({ ...localStorage })")).not.toContain("Bearer ey");
  });
});

describe("the pages' files", () => {
  test("take scripts from this host only, and none inline", async () => {
    const policies = await Promise.all(
      ["/console", "/console/product", "/graphiql"].map(async (path) => {
        const response = await fetch(console.gateway.url + path);
        await response.text();
        expect(response.headers.get("cache-control")).toBe("no-store");
        return response.headers.get("content-security-policy") ?? "";
      }),
    );
    for (const policy of policies) {
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; connect-src 'self'; /);
      expect(policy).toContain("frame-ancestors 'none'");
    }
    expect(policies[0]).not.toContain("unsafe");
    // Each answer has a nonce of its own.
    expect(policies[0]).not.toBe(policies[1]);
  });

  test("are kept for ever under their hashes, and come compressed to those who take it", async () => {
    const html = await (await fetch(`${console.gateway.url}/console`)).text();
    const path = /src="(\/console\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? "";
    const headersOf = async (encoding: string): Promise<(string | null)[]> => {
      const response = await fetch(console.gateway.url + path, { headers: { "accept-encoding": encoding } });
      await response.arrayBuffer();
      const { headers } = response;
      return [
        headers.get("content-encoding"),
        headers.get("cache-control"),
        headers.get("content-type"),
        headers.get("vary"),
      ];
    };
    const rest = ["public, max-age=31536000, immutable", "text/javascript; charset=utf-8", "accept-encoding"];
    expect(await headersOf("gzip, br")).toEqual(["br", ...rest]);
    expect(await headersOf("gzip, br;q=0")).toEqual(["gzip", ...rest]);
    expect(await headersOf("identity")).toEqual([null, ...rest]);
  });

  test.each(["/console/assets/nothing.js", "/console/assets/..%2findex.html", "/console/assets/%2e%2e%2fmain.js"])(
    "%s is not there",
    async (path) => {
      const response = await fetch(console.gateway.url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ errors: [{ status: 404 }] });
    },
  );
});
