import cluster from "node:cluster";
import { pino } from "pino";
import { readConfig } from "../src/config.ts";
import { startGateway } from "../src/gateway.ts";
import type { Settler } from "../src/inventory/inventory.ts";
import { createAccessToken } from "./access-token.ts";
import { ConstantSettler } from "./constant-settler.ts";
import { parseServerRequest } from "./server-process.ts";
import type { GatewayVariant, ServerMessage } from "./server-process.ts";
import { serveAsWorker, serveWithWorkers } from "./several-workers.ts";
import { ownUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";
import { UsualResolver } from "./usual-resolver.ts";

/*
 * One server in a process of its own, put together as `npm start` does it, with all settings at their defaults but for the
 * watchers that one client may have. Started by ServerProcess with the variant, the URL of a migrated database, and how many
 * workers serve.
 */

interface Serving {
  readonly url: string;
  readUsage(): Promise<Usage>;
  /** Answers what was accepted, then lets go of everything. */
  stop(): Promise<void>;
}

interface OpenSettler {
  /** Undefined: the gateway's own groups. */
  readonly settler?: Settler;
  close(): Promise<void>;
}

const settlers: Readonly<Record<GatewayVariant, (databaseUrl: string) => Promise<OpenSettler>>> = {
  gateway: async () => ({ close: async () => undefined }),
  usual: async (url) => {
    const settler = await UsualResolver.open(url);
    return { settler, close: () => settler.close() };
  },
  constant: async () => ({ settler: new ConstantSettler(), close: async () => undefined }),
};

const [, , variant = "", databaseUrl = "", workers = ""] = process.argv;
// All of the load is one client's, from one address: it is counted, and none of it turned away.
const config = readConfig({
  PORT: "0",
  DATABASE_URL: databaseUrl,
  WATCHERS_PER_CLIENT_MAX: "1000",
  RATE_LIMIT_PER_CLIENT: "1000000",
  RATE_LIMIT_PER_ADDRESS: "1000000",
});
const logger = pino({ level: config.logLevel });

if (cluster.isWorker) serveAsWorker(config, logger);
else await obey(await serve(parseVariant(variant), Number(workers)));

async function serve(served: GatewayVariant, count: number): Promise<Serving> {
  if (count > 1) return await serveWithWorkers(config, { databaseUrl, count, logger });
  const opened = await settlers[served](databaseUrl);
  const gateway = await startGateway({ ...config, databaseUrl, logger, settler: opened.settler });
  return {
    url: gateway.url,
    readUsage: async () => ownUsage(),
    stop: async () => {
      await gateway.close();
      await opened.close();
    },
  };
}

async function obey(serving: Serving): Promise<void> {
  process.on("message", (message) => {
    switch (parseServerRequest(message)) {
      case "usage":
        return void serving.readUsage().then((usage) => send({ kind: "usage", ...usage }));
      case "stop":
        return void serving.stop().then(() => process.disconnect());
    }
  });
  // Without the benchmark there is nobody to serve.
  process.once("disconnect", () => process.exit());
  send({ kind: "ready", url: serving.url, token: await createAccessToken(databaseUrl, serving.url) });
}

function send(message: ServerMessage): void {
  process.send?.(message);
}

function parseVariant(name: string): GatewayVariant {
  if (name in settlers) return name as GatewayVariant;
  throw new Error(`There is no server "${name}"`);
}
