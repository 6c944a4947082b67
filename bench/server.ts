import { pino } from "pino";
import { readConfig } from "../src/config.ts";
import { startGateway } from "../src/gateway.ts";
import type { Settler } from "../src/inventory/inventory.ts";
import { ConstantSettler } from "./constant-settler.ts";
import { parseServerRequest } from "./server-process.ts";
import type { ServerMessage, ServerVariant } from "./server-process.ts";
import { UsualResolver } from "./usual-resolver.ts";

/*
 * One server in a process of its own, put together as `npm start` does it, with all settings at their defaults but for the watchers that one client may have. Started by
 * ServerProcess with the variant and the URL of a migrated database.
 */

interface OpenSettler {
  /** Undefined: the gateway's own groups. */
  readonly settler?: Settler;
  close(): Promise<void>;
}

const settlers: Readonly<Record<ServerVariant, (databaseUrl: string) => Promise<OpenSettler>>> = {
  gateway: async () => ({ close: async () => undefined }),
  usual: async (url) => {
    const settler = await UsualResolver.open(url);
    return { settler, close: () => settler.close() };
  },
  constant: async () => ({ settler: new ConstantSettler(), close: async () => undefined }),
};

const [, , variant = "", databaseUrl = ""] = process.argv;
const config = readConfig({ PORT: "0", DATABASE_URL: databaseUrl, WATCHERS_PER_CLIENT_MAX: "1000" });
const opened = await settlers[parseVariant(variant)](databaseUrl);
const logger = pino({ level: config.logLevel });
const gateway = await startGateway({ ...config, databaseUrl, logger, settler: opened.settler });
const { client, secret } = await gateway.clients.create({
  name: "Benchmark",
  scopes: ["inventory:read", "inventory:write"],
  implicit: false,
});

process.on("message", (message) => {
  switch (parseServerRequest(message)) {
    case "usage": {
      const { user, system } = process.cpuUsage();
      return send({ kind: "usage", cpuMicros: user + system, rssBytes: process.memoryUsage.rss() });
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
  await opened.close();
  process.disconnect();
}

function send(message: ServerMessage): void {
  process.send?.(message);
}

function parseVariant(name: string): ServerVariant {
  if (name in settlers) return name as ServerVariant;
  throw new Error(`There is no server "${name}"`);
}
