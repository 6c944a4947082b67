import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { Argument, InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { firstClientId } from "../access/api-clients.ts";
import { ConfigError } from "../config.ts";
import type { Config } from "../config.ts";
import { LedgerAudit } from "../database/ledger-audit.ts";
import { errorCodeOf, messageOf } from "../error-message.ts";
import { withDatabase, withInventory } from "../installation.ts";
import type { InventoryParts } from "../installation.ts";
import { stockActions } from "../inventory/actions.ts";
import type { StockAction } from "../inventory/actions.ts";
import { InvalidInputError, ServiceUnavailableError } from "../inventory/errors.ts";
import { StorageError } from "../inventory/storage.ts";
import { exportFormats, exportLedger, exportStock } from "./export.ts";
import type { ExportOptions } from "./export.ts";
import { importStock } from "./import.ts";
import { createProgress } from "./progress.ts";
import type { ProgressStream } from "./progress.ts";
import { stockFileColumns } from "./stock-file.ts";
import { applyProposal, verifyLedger } from "./verify.ts";
import type { Proposal } from "./verify.ts";

/** What a command has of the process it runs in. */
export interface Terminal {
  readonly out: Writable;
  readonly err: ProgressStream;
  /** @throws ConfigError */
  readConfig(): Config;
  /** Aborted by the first signal to stop; a second one ends the process. */
  interrupted(): AbortSignal;
  setExitCode(code: number): void;
  exit(code: number): never;
}

/** What a script goes by: nothing to complain of; something found or refused; not run, or not to its end. */
const exitCodes = { clean: 0, found: 1, failed: 2 } as const;
const exitCodesHelp = "\nEnds with 0 when all is well, 1 when something was %s, 2 when it could not run to its end.\n";

/** Adds import, export and verify. */
export function addOperations(program: Command, terminal: Terminal): void {
  addImport(program, terminal);
  addExport(program, terminal);
  addVerify(program, terminal);
}

function addImport(program: Command, terminal: Terminal): void {
  addCommand(program, terminal, "import")
    .summary("make a stock transaction of each line of a CSV file")
    .description(
      "Make a stock transaction of each line of a CSV file, in its order, as an API client. Every line stands for itself.\n" +
        "The same file can be imported again, after an interruption for instance: what was done is not done twice, for as\n" +
        "long as idempotency keys are kept.",
    )
    .argument("<file>", "UTF-8, with the columns' names in the first line; no pipe")
    .option("--client <id>", `the API client that does it; ADMIN_CLIENT_ID, or ${firstClientId}, when left out`)
    .addOption(
      new Option("--action <action>", "what is done where a line doesn't say it")
        .choices(stockActions)
        .default("CREATE"),
    )
    .option("--delimiter <character>", "what stands between two fields", parseDelimiter, ",")
    .option("--report <file>", "where refused lines go, without keys they spent; FILE.refused.csv when left out")
    .addHelpText(
      "after",
      `\nColumns: ${stockFileColumns.join(", ")};\nonly productId and quantity are needed. product_id and the like mean the same.\n` +
        exitCodesHelp.replace("%s", "refused") +
        "\nExample, a first stock:\n  productId,quantity\n  shirt-m,10\n  shirt-l,0\n",
    )
    .action((file: string, flags: ImportFlags) => run(terminal, () => importFile(file, flags, terminal)));
}

interface ImportFlags {
  readonly client?: string;
  readonly action: StockAction;
  readonly delimiter: string;
  readonly report?: string;
}

async function importFile(file: string, flags: ImportFlags, terminal: Terminal): Promise<number> {
  const config = terminal.readConfig();
  const { action, delimiter, report = `${file.slice(0, -extname(file).length || undefined)}.refused.csv` } = flags;
  const progress = createProgress(terminal.err, "lines");
  const { applied, appliedBefore, refused, unfinished } = await withDatabase(config, (url) =>
    withInventory(url, async ({ inventory, clients }) => {
      const clientId = await findWriter(clients, flags.client, config);
      const signal = terminal.interrupted();
      return importStock(inventory, { file, delimiter, clientId, action, report, progress, signal });
    }),
  );
  terminal.out.write(`Applied ${applied}, applied before ${appliedBefore}, refused ${refused}.\n`);
  if (refused > 0) terminal.out.write(`The refused lines are in ${report}, each with its reason.\n`);
  if (unfinished !== null) terminal.err.write(`${unfinished}\n`);
  if (unfinished !== null) return exitCodes.failed;
  return refused > 0 ? exitCodes.found : exitCodes.clean;
}

function addExport(program: Command, terminal: Terminal): void {
  addCommand(program, terminal, "export")
    .summary("write the stock or the ledger as CSV or JSON lines")
    .description("Write the stock of every product, or all stock transactions, as CSV (RFC 4180) or JSON lines.")
    .addArgument(new Argument("<what>", "what is written").choices(["stock", "ledger"]))
    .addOption(new Option("--format <format>", "how").choices(exportFormats).default("csv"))
    .option("--output <file>", "where to; it appears when it is complete. Standard output when left out")
    .option("--since <time>", "ledger: only what was created then or later, such as 2026-01-31T00:00:00Z", parseTime)
    .option("--until <time>", "ledger: only what was created before", parseTime)
    .option(
      "--raw",
      "CSV: leave texts that a spreadsheet would run as a formula as they are, without a ' in front",
      false,
    )
    .addHelpText("after", exitCodesHelp.replace(" 1 when something was %s,", ""))
    .action((what: "stock" | "ledger", flags: ExportFlags) => run(terminal, () => exportTo(what, flags, terminal)));
}

interface ExportFlags {
  readonly format: ExportOptions["format"];
  readonly output?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly raw: boolean;
}

async function exportTo(what: "stock" | "ledger", flags: ExportFlags, terminal: Terminal): Promise<number> {
  const { format, since, until, output } = flags;
  if (what === "stock" && (since !== undefined || until !== undefined))
    throw new InvalidInputError("since", "--since and --until are for the ledger: the stock is as it is now");
  const progress = createProgress(terminal.err, what === "stock" ? "products" : "stock transactions");
  const options: ExportOptions = { format, guardsFormulas: !flags.raw, progress };
  await withDatabase(terminal.readConfig(), (url) =>
    withInventory(url, ({ queries }) =>
      writeTo(output, terminal.out, (target) =>
        what === "stock"
          ? exportStock(queries, target, options)
          : exportLedger(queries, { createdSince: since, createdBefore: until }, target, options),
      ),
    ),
  );
  return exitCodes.clean;
}

function addVerify(program: Command, terminal: Terminal): void {
  addCommand(program, terminal, "verify")
    .summary("recompute every level from the ledger, and say what doesn't agree")
    .description(
      "Recompute every level from the ledger and say what doesn't agree: levels, versions with a gap or there twice,\n" +
        "idempotency keys that were used twice. Gateways may serve meanwhile. Where levels were changed past the gateway it\n" +
        "proposes the stock transactions that explain them: the levels stay as they are, the ledger says how they came about.",
    )
    .option("--apply", "write the proposed stock transactions", false)
    .option("--client <id>", `the API client that does it; ADMIN_CLIENT_ID, or ${firstClientId}, when left out`)
    .addHelpText("after", exitCodesHelp.replace("%s", "found, and not put right"))
    .action((flags: VerifyFlags) => run(terminal, () => verify(flags, terminal)));
}

interface VerifyFlags {
  readonly apply: boolean;
  readonly client?: string;
}

async function verify({ apply, client }: VerifyFlags, terminal: Terminal): Promise<number> {
  const config = terminal.readConfig();
  return withDatabase(config, (url) =>
    withInventory(url, async ({ storage, clients }) => {
      const applying = apply ? { storage, actor: await findWriter(clients, client, config) } : null;
      const audit = await LedgerAudit.open(url);
      try {
        return await verifyWith(audit, terminal, applying);
      } finally {
        await audit.close();
      }
    }),
  );
}

async function verifyWith(
  audit: LedgerAudit,
  { out, err }: Terminal,
  applying: { readonly storage: InventoryParts["storage"]; readonly actor: string } | null,
): Promise<number> {
  const verification = await verifyLedger(audit, createProgress(err, "stock transactions"));
  const { transactions, faults, faultCount, proposals, proposalCount } = verification;
  for (const { productId, fault } of faults) out.write(`${JSON.stringify(productId)}: ${fault}\n`);
  if (faultCount > faults.length) out.write(`The first ${faults.length} of ${faultCount} faults are shown.\n`);
  let open = faultCount;
  for (const proposal of proposals) {
    if (applying === null) {
      out.write(`Proposed: ${wordsOf(proposal)}\n`);
      continue;
    }
    const { productId } = proposal.drift;
    const { applied, faults: left } = await applyProposal(proposal, { audit, ...applying });
    out.write(
      applied === null ? `Not applied: ${JSON.stringify(productId)} kept changing\n` : `Applied: ${wordsOf(applied)}\n`,
    );
    for (const { fault } of left) out.write(`Still ${JSON.stringify(productId)}: ${fault}\n`);
    open += left.length - proposal.faultCount;
  }
  if (proposalCount > proposals.length)
    out.write(`Proposals left for another run: ${proposalCount - proposals.length}.\n`);
  if (proposals.length > 0 && applying === null) out.write("verify --apply writes what is proposed.\n");
  out.write(`Verified ${transactions} stock transactions, found ${faultCount} faults, ${open} of them open.\n`);
  return open === 0 ? exitCodes.clean : exitCodes.found;
}

function wordsOf({ drift, steps }: Proposal): string {
  const { productId, levels } = drift;
  const moves = steps.map(({ action, quantity }) => `${action} ${quantity}`).join(", ");
  return `${JSON.stringify(productId)} ${moves}, which leaves ${levels.available} available, ${levels.allocated} allocated`;
}

/** Of a command whose mistakes in its arguments end with the same code as other failures. */
function addCommand(program: Command, terminal: Terminal, name: string): Command {
  return program
    .command(name)
    .exitOverride(({ exitCode }) => terminal.exit(exitCode === 0 ? exitCodes.clean : exitCodes.failed));
}

/** Runs what a command does, and says in a line why it could not. */
async function run(terminal: Terminal, action: () => Promise<number>): Promise<void> {
  try {
    terminal.setExitCode(await action());
  } catch (error) {
    terminal.err.write(`inventory-gateway: ${isForeseen(error) ? error.message : inspect(error)}\n`);
    terminal.setExitCode(exitCodes.failed);
  }
}

function isForeseen(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return (
    [ConfigError, InvalidInputError, ServiceUnavailableError, StorageError].some((kind) => error instanceof kind) ||
    "syscall" in error
  );
}

/** @throws InvalidInputError where there is no such client, or it may not write */
async function findWriter(
  clients: InventoryParts["clients"],
  asked: string | undefined,
  config: Config,
): Promise<string> {
  const id = asked ?? config.adminClient?.id ?? firstClientId;
  const client = await clients.findActive(id);
  if (client === null)
    throw new InvalidInputError(
      "client",
      `there is no active client ${id}: client add makes one, --client names another`,
    );
  if (!client.scopes.includes("inventory:write"))
    throw new InvalidInputError("client", `the client ${id} has not the scope inventory:write`);
  return client.id;
}

/** Writes to a file that gets its name when it is complete, or to the other stream, which is left open. */
async function writeTo(
  file: string | undefined,
  out: Writable,
  write: (target: Writable) => Promise<unknown>,
): Promise<void> {
  if (file === undefined) {
    try {
      await write(out);
    } catch (error) {
      // Whoever reads the output has read enough.
      if (errorCodeOf(error) !== "EPIPE") throw error;
    }
    return;
  }
  const part = `${file}.part`;
  const target = createWriteStream(part, { flush: true });
  try {
    await once(target, "open");
    await write(target);
    await rename(part, file);
  } catch (error) {
    target.destroy();
    await rm(part, { force: true });
    throw error instanceof Error && "syscall" in error ? new InvalidInputError("output", messageOf(error)) : error;
  }
}

function parseDelimiter(text: string): string {
  const delimiter = text === String.raw`\t` ? "\t" : text;
  if (!/^[^"\r\n]$/.test(delimiter)) throw new InvalidArgumentError("It has to be one character, and no quote.");
  return delimiter;
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError("It has to be a date, or a time with its zone, such as 2026-01-31T00:00:00Z.");
  return time;
}
