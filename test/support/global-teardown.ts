import { rmSync } from "node:fs";

/** Stops the run's PostgreSQL and removes its folder. */
export default async function globalTeardown(): Promise<void> {
  if (globalThis.testServer === undefined) return;
  const { server, folder, stopWatching } = globalThis.testServer;
  await server.stop();
  stopWatching();
  rmSync(folder, { recursive: true, force: true });
}
