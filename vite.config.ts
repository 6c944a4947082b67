import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { css, editorWorkerService, graphqlWorker, js, jsonWorker } from "@graphql-yoga/render-graphiql/graphiql";
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
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2023",
    // What is linked into a page as data would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      input: [join(root, "index.html"), join(root, "graphiql.html")],
      // "use client" means something to servers that render React. There is none here.
      onLog: (level, log, report) => (log.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : report(level, log)),
    },
  },
  plugins: [graphiqlFiles(), compressedFiles(join(outDir, "assets"))],
  logLevel: "warn",
});

/**
 * `import url from "virtual:graphiql/js"`: GraphiQL as its package has it, built and all in one, so that Monaco and its 200 MB
 * of packages are neither installed here nor built again.
 */
function graphiqlFiles(): Plugin {
  const files = new Map([
    ["\0virtual:graphiql/js", { name: "graphiql.js", source: js }],
    ["\0virtual:graphiql/css", { name: "graphiql.css", source: css }],
    ["\0virtual:graphiql/editorWorkerService", { name: "editor-worker.js", source: editorWorkerService }],
    ["\0virtual:graphiql/jsonWorker", { name: "json-worker.js", source: jsonWorker }],
    ["\0virtual:graphiql/graphqlWorker", { name: "graphql-worker.js", source: graphqlWorker }],
  ]);
  return {
    name: "graphiql-files",
    resolveId: (id) => (files.has(`\0${id}`) ? `\0${id}` : null),
    load(id) {
      const file = files.get(id);
      if (file === undefined) return null;
      return `export default import.meta.ROLLUP_FILE_URL_${this.emitFile({ type: "asset", ...file })};`;
    },
  };
}

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
        // Higher ones take ten times as long for a few percent.
        await writeFile(`${file}.br`, await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }));
        await writeFile(`${file}.gz`, await gzipped(bytes));
      }
    },
  };
}
