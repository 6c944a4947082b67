import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { migrate } from "../../src/database/migrate.ts";

const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

declare global {
  /** For the teardown, which runs in the same process. */
  var testServer:
    | { readonly server: EmbeddedPostgres; readonly folder: string; readonly stopWatching: () => void }
    | undefined;
}

/** Brings dist/ up to date, for the tests that run the real program, and starts the run's PostgreSQL with a migrated database to copy. */
export default async function globalSetup(): Promise<void> {
  buildWhereStale();
  const folder = mkdtempSync(join(tmpdir(), "inventory-gateway-test-"));
  // As root the server is another user, who has to get in.
  chmodSync(folder, 0o755);
  const stopWatching = removeServerWhenKilled(folder);
  // Nothing here outlives the run. Tests of durability start servers of their own.
  const settings = { fsync: "off", full_page_writes: "off", synchronous_commit: "off", max_connections: "300" };
  const server = await startEmbeddedPostgres(folder, settings);
  globalThis.testServer = { server, folder, stopWatching };
  await migrate(server.url);
  process.env["TEST_DATABASE_URL"] = server.url;
}

/** A killed run can't stop its server: a shell that outlives it does, at most two seconds later. */
function removeServerWhenKilled(folder: string): () => void {
  const script = `
    while kill -0 "$1" 2>/dev/null; do sleep 2; done
    kill -QUIT "$(head -n 1 "$2/postgres/postmaster.pid")" 2>/dev/null && sleep 2
    rm -rf "$2"`;
  const watcher = spawn("sh", ["-c", script, "sh", String(process.pid), folder], { detached: true, stdio: "ignore" });
  watcher.unref();
  return () => {
    watcher.kill("SIGKILL");
  };
}

function buildWhereStale(): void {
  const built = join(packageRoot, "dist/main.js");
  const source = join(packageRoot, "src");
  const newestMs = Math.max(
    ...readdirSync(source, { recursive: true, encoding: "utf8" }).map((name) => statSync(join(source, name)).mtimeMs),
  );
  if (existsSync(built) && statSync(built).mtimeMs >= newestMs) return;
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  // It writes JavaScript also where types are wrong: telling that is another command's part.
  spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: packageRoot, stdio: "ignore" });
}
