import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply } from "fastify";
import { answerError, RequestError } from "../rest/errors.ts";
import { MethodTable } from "../rest/methods.ts";
import { assetRoutes } from "./assets.ts";

/** Where `npm run build` puts the browser's pages. */
const pagesFolder = fileURLToPath(new URL("../../dist/console/", import.meta.url));
/** What the build writes where each answer's own nonce has to stand. */
const noncePlaceholder = /CSP_NONCE/g;

/**
 * The console, below /console: one page, whose script finds out which of its views the address means, and the files
 * that it is made of. Their names are hashes of their contents, so they are kept for ever; the page itself never is.
 */
export async function pages(app: FastifyInstance): Promise<void> {
  app.setErrorHandler(answerError);
  const methods = new MethodTable(app);
  const consolePage = await readPage("index.html");
  const graphiqlPage = await readPage("graphiql.html");
  app.get("/graphiql", { schema: { hide: true } }, async (_request, reply) =>
    sendPage(reply, graphiqlPage, graphiqlPolicy),
  );
  for (const url of ["/console", "/console/*"]) {
    app.get(url, { schema: { hide: true } }, async (_request, reply) => sendPage(reply, consolePage, pagePolicy));
  }
  await assetRoutes(app, "/console/assets/", join(pagesFolder, "assets"));
  methods.refuseOthers();
}

/** @returns null where the pages have not been built */
async function readPage(name: string): Promise<string | null> {
  const file = join(pagesFolder, name);
  return existsSync(file) ? await readFile(file, "utf8") : null;
}

function sendPage(reply: FastifyReply, page: string | null, policyOf: (nonce: string) => string): FastifyReply {
  if (page === null) throw new RequestError(404, "The pages are not built: npm run build");
  const nonce = randomBytes(16).toString("base64");
  return reply
    .headers({
      "content-security-policy": policyOf(nonce),
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "permissions-policy": "camera=(), geolocation=(), microphone=()",
    })
    .type("text/html; charset=utf-8")
    .send(page.replace(noncePlaceholder, nonce));
}

/** Scripts from here only and none inline; styles from here, and those that the page's script adds with the nonce. */
function pagePolicy(nonce: string): string {
  return [...commonPolicy, `style-src 'self' 'nonce-${nonce}'`, "img-src 'self'", "font-src 'self'"].join("; ");
}

/** GraphiQL's editor makes styles without a nonce, has pictures and a font as data, and works in background scripts. */
function graphiqlPolicy(): string {
  const own = [
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "worker-src 'self'",
  ];
  return [...commonPolicy, ...own].join("; ");
}

const commonPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
] as const;
