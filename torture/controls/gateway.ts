import { pino } from "pino";
import { readConfig } from "../../src/config.ts";
import { startGateway } from "../../src/gateway.ts";
import { GroupCommit } from "../../src/inventory/group-commit.ts";
import { flaws } from "./flaws.ts";
import { PlainStorage } from "./plain-storage.ts";

/*
 * A gateway whose storage has the flaw that its argument names, over a migrated database; its settings come from the
 * environment. The program that users run has no such storage, and no way to be given one.
 */

const flaw = flaws.find((known) => known === process.argv[2]);
if (flaw === undefined) throw new Error(`There is no flaw ${process.argv[2]}`);
const config = readConfig(process.env);
if (config.databaseUrl === null) throw new Error("DATABASE_URL is not set");
const storage = new PlainStorage(config.databaseUrl, flaw);
const settler = new GroupCommit(storage);
const logger = pino({ level: config.logLevel });
const gateway = await startGateway({ ...config, databaseUrl: config.databaseUrl, logger, settler });
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  await gateway.close();
  await settler.close();
  await storage.close();
  process.exit(0);
}
