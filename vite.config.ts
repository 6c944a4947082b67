import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig } from "vite";
import type { Plugin } from "vite";

const root = fileURLToPath(new URL("./src/console/", import.meta.url));
const outDir = fileURLToPath(new URL("./dist/console/", import.meta.url));

/** The console and the page with GraphiQL: `src/console/` becomes `dist/console/`, which `src/http/pages.ts` serves. */
export default defineConfig({
  root,
  base: "/console/",
  // The server puts a new one into each answer.
  html: { cspNonce: "CSP_NONCE" },
  // What is linked into a page as data would need a wider Content-Security-Policy.
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      // "use client" means something to servers that render React. There is none here.
      onLog: (level, log, report) => (log.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : report(level, log)),
    },
  },
  plugins: [compressedFiles(join(outDir, "assets"))],
  logLevel: "warn",
});

/** Compresses once, when building, what the server would compress for every reader. */
function compressedFiles(folder: string): Plugin {
  const brotli = promisify(brotliCompress);
  const gzipped = promisify(gzip);
  return {
    name: "compressed-files",
    async closeBundle() {
      for (const name of await readdir(folder)) {
        if (!/\.(js|css)$/.test(name)) continue;
        const file = join(folder, name);
        const bytes = await readFile(file);
        await writeFile(`${file}.br`, await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
        await writeFile(`${file}.gz`, await gzipped(bytes));
      }
    },
  };
}
