#!/usr/bin/env node
import "./production-mode.ts";
import cluster from "node:cluster";
import { Command } from "commander";
import type { Logger } from "pino";
import { parseScopes } from "./access/api-clients.ts";
import { scopes } from "./access/principal.ts";
import type { StoredSigningKey } from "./access/signing-keys.ts";
import { ConfigError, readConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { errorCodeOf } from "./error-message.ts";
import { InvalidInputError } from "./inventory/errors.ts";
import { createLogger } from "./log.ts";
import { manageAccess, migrateDatabase } from "./installation.ts";
import { addOperations } from "./operations/commands.ts";
import { start } from "./start.ts";
import type { StartedGateway } from "./start.ts";
import { version } from "./version.ts";
import { welcome } from "./welcome.ts";
import { runWorker } from "./worker.ts";

/** Ctrl-C reaches a program below npm twice: from the terminal, and from npm, which passes it on. */
const repeatedSignalMs = 1_000;
/** SIGHUP comes when the terminal is closed. */
const stopSignals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

// Whoever reads the output, as head does, may have read enough: the work goes on, and what came of it is in the exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (errorCodeOf(error) !== "EPIPE") throw error;
  });
}

const program = new Command("inventory-gateway")
  .description("A GraphQL and REST gateway for a shop's stock. Settings come from the environment: see README.md.")
  .version(version)
  .showSuggestionAfterError(false);

program
  .command("start")
  .description("serve; without DATABASE_URL on an embedded PostgreSQL in DATA_DIR")
  .action(async () =>
    cluster.isWorker ? work(readConfig(process.env, { namesChecked: true })) : serve(readConfig(process.env)),
  );

program
  .command("migrate")
  .description("bring the database's tables up to date (start does it too)")
  .action(async () => {
    const applied = await migrateDatabase(readConfig(process.env));
    print(applied.length === 0 ? "Up to date." : `Applied: ${applied.join(", ")}`);
  });

const client = program.command("client").description("make, list and revoke API clients");

client
  .command("add")
  .description("make a client; its secret is shown once")
  .requiredOption("--name <name>", "for people, 1 to 100 characters")
  .option("--id <id>", "its client_id; made from the name when left out")
  .option("--scope <scope...>", `what it may do: ${scopes.join(", ")}`, [...scopes])
  .option("--implicit", "open the implicit grant: its id alone, no secret, gets a token that reads all", false)
  .action(async (options: { name: string; id?: string; scope: string[]; implicit: boolean }) => {
    const { name, id, scope, implicit } = options;
    const input = { name, id, scopes: parseScopes(scope), implicit };
    const created = await manageAccess(readConfig(process.env), ({ clients }) => clients.create(input));
    print(`client_id      ${created.client.id}\nclient_secret  ${created.secret}`);
  });

client
  .command("list")
  .description("list the clients, oldest first")
  .action(async () => {
    const clients = await manageAccess(readConfig(process.env), (stored) => stored.clients.list());
    for (const { id, name, scopes: granted, implicit, createdAt, revokedAt } of clients) {
      const state = revokedAt === null ? "active" : `revoked ${revokedAt.toISOString()}`;
      print([id, name, granted.join(" "), implicit ? "implicit" : "-", createdAt.toISOString(), state].join("\t"));
    }
  });

client
  .command("revoke")
  .description("revoke a client for good; its tokens end within a second")
  .argument("<id>", "its client_id")
  .action(async (id: string) => {
    const revoked = await manageAccess(readConfig(process.env), ({ clients }) => clients.revoke(id));
    if (!revoked) throw new InvalidInputError("id", `There is no active client ${id}`);
    print(`Revoked ${id}.`);
  });

const keys = program.command("keys").description("list and rotate the keys that sign access tokens");

keys
  .command("list")
  .description("list the keys, newest first")
  .action(async () => {
    const all = await manageAccess(readConfig(process.env), (stored) => stored.keys.list());
    for (const key of all) print([key.id, key.algorithm, key.createdAt.toISOString(), stateOf(key)].join("\t"));
  });

keys
  .command("rotate")
  .description("sign with a new key; the old one verifies until the last token it signed has run out")
  .option("--forget-old", "delete the old keys: tokens signed with them end within ten seconds", false)
  .action(async ({ forgetOld }: { forgetOld: boolean }) => {
    const rotated = await manageAccess(readConfig(process.env), (stored) => stored.keys.rotate({ forgetOld }));
    if (!rotated) throw new InvalidInputError("keys", "The keys were rotated by somebody else at the same time");
    print(forgetOld ? "Rotated, and the old keys deleted." : "Rotated.");
  });

addOperations(program, {
  out: process.stdout,
  err: process.stderr,
  readConfig: () => readConfig(process.env),
  interrupted,
  setExitCode: (code) => void (process.exitCode = code),
  exit: (code) => process.exit(code),
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError) && !(error instanceof InvalidInputError)) throw error;
  process.stderr.write(`inventory-gateway: ${error.message}\n`);
  process.exitCode = 1;
}

/** Aborted by the first signal to stop; a second one ends the process. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of stopSignals) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(2);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Serves as one of several, until the process that started it says so: signals reach a whole group of processes. */
async function work(config: Config): Promise<void> {
  for (const signal of stopSignals) process.on(signal, () => undefined);
  runWorker(config, await createLogger(config.logLevel, process.stdout.isTTY), (code) => process.exit(code));
}

/** Serves until a signal comes. @throws what the start throws, unless it is that it was to stop */
async function serve(config: Config): Promise<void> {
  const logger = await createLogger(config.logLevel, process.stdout.isTTY);
  const stopping = new AbortController();
  let gateway: StartedGateway | null = null;
  let stoppingSince = 0;
  for (const signal of stopSignals) {
    process.on(signal, () => {
      if (!stopping.signal.aborted) {
        stoppingSince = performance.now();
        stopping.abort();
        if (gateway !== null) void stop(gateway, logger);
      } else if (performance.now() - stoppingSince > repeatedSignalMs) {
        // A second one hurries: what is left behind the next start takes over.
        process.exit(1);
      }
    });
  }
  const onGivenUp = (): void => {
    if (gateway !== null) void stop(gateway, logger, 1);
  };
  try {
    gateway = await start(config, { logger, onGivenUp, stopping: stopping.signal });
  } catch (error) {
    if (error !== stopping.signal.reason) throw error;
    // Nothing was accepted.
    process.exit(0);
  }
  if (stopping.signal.aborted) await stop(gateway, logger);
  process.stdout.write(welcome(gateway.url, gateway.firstClient));
}

/** Ends the process: with 0 when everything accepted was answered in time. */
async function stop(gateway: StartedGateway, logger: Logger, code = 0): Promise<never> {
  try {
    const hasDrained = await gateway.stop();
    if (!hasDrained) logger.error("The drain took longer than DRAIN_TIMEOUT_SECONDS");
    process.exit(hasDrained ? code : 1);
  } catch (error) {
    logger.error({ err: error }, "The stop failed");
    process.exit(1);
  }
}

function stateOf({ signs, verifies, verifiesUntil }: StoredSigningKey): string {
  if (verifiesUntil !== null && !verifies) return `ended ${verifiesUntil.toISOString()}`;
  const until = verifiesUntil === null ? "" : `verifies until ${verifiesUntil.toISOString()}`;
  if (signs) return until === "" ? "signs" : `signs, ${until}`;
  return until === "" ? "signs soon" : until;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
