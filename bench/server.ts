import { pino } from "pino";
import { readConfig } from "../src/config.ts";
import { startGateway } from "../src/gateway.ts";
import { parseServerRequest } from "./server-process.ts";
import type { ServerMessage, ServerVariant } from "./server-process.ts";
import { UsualResolver } from "./usual-resolver.ts";

/*
 * One server in a process of its own, put together as `npm start` does it, with all settings at their defaults but for the watchers that one client may have. Started by
 * ServerProcess with the variant and the URL of a migrated database.
 */

const [, , variant = "", databaseUrl = ""] = process.argv;
const config = readConfig({ PORT: "0", DATABASE_URL: databaseUrl, WATCHERS_PER_CLIENT_MAX: "1000" });
const usual = isUsual(variant) ? await UsualResolver.open(databaseUrl) : null;
const logger = pino({ level: config.logLevel });
const gateway = await startGateway({ ...config, databaseUrl, logger, settler: usual ?? undefined });
const { client, secret } = await gateway.clients.create({
  name: "Benchmark",
  scopes: ["inventory:read", "inventory:write"],
  implicit: false,
});

process.on("message", (message) => {
  switch (parseServerRequest(message)) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return send({ kind: "cpu", micros: user + system });
    }
    case "stop":
      return void stop();
  }
});
// Without the benchmark there is nobody to serve.
process.once("disconnect", () => process.exit());
send({ kind: "ready", url: gateway.url, clientId: client.id, clientSecret: secret });

/** Answers what was accepted, then ends the process. */
async function stop(): Promise<void> {
  await gateway.close();
  await usual?.close();
  process.disconnect();
}

function send(message: ServerMessage): void {
  process.send?.(message);
}

function isUsual(name: string): boolean {
  return name === ("usual" satisfies ServerVariant);
}
