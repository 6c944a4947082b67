import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchFile } from "./bench-file.ts";
import type { Usage } from "./usage.ts";

/** gateway: the product. usual: with the resolver that most people would write. constant: with an answer that is always the same. */
export type GatewayVariant = "gateway" | "usual" | "constant";

/** postgraphile: PostGraphile over the same tables, with a function of the database for the mutation. */
export type ServerVariant = GatewayVariant | "postgraphile";

/** What a server process says. */
export type ServerMessage =
  | { readonly kind: "ready"; readonly url: string; readonly token: string }
  | ({ readonly kind: "usage" } & Usage);

const serverRequests = ["usage", "stop"] as const;

/** What a server process is asked. */
export type ServerRequest = (typeof serverRequests)[number];

export interface ServerProcessOptions {
  readonly variant: ServerVariant;
  readonly databaseUrl: string;
  readonly workers: number;
  /** Where the process writes a CPU profile when it stops; null for none. */
  readonly profileDir: string | null;
  /** Where PostGraphile is installed; null where it is not. */
  readonly postgraphileDir: string | null;
}

const gatewayFile = fileURLToPath(new URL("./server.js", import.meta.url));
const stopTimeoutMs = 30_000;

/** A server in a process of its own, or in several, so that its processor time can be told from that of the load. */
export class ServerProcess {
  readonly url: string;
  /** Of a client that may read and write. */
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child;
    this.url = url;
    this.token = token;
  }

  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const { file, args, execPath } = programOf(options);
    const { profileDir } = options;
    const child = fork(file, args, {
      execPath,
      execArgv: profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`],
      env: { ...process.env, NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    try {
      const { url, token } = await receive(child, "ready");
      return new ServerProcess(child, url, token);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  async readUsage(): Promise<Usage> {
    const answer = receive(this.#child, "usage");
    send(this.#child, "usage");
    return await answer;
  }

  /** Lets it answer what it has accepted, and waits for its end. */
  async stop(): Promise<void> {
    if (hasEnded(this.#child)) throw new Error("The server process has ended by itself");
    const ended = once(this.#child, "exit");
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs);
    send(this.#child, "stop");
    await ended;
    clearTimeout(overdue);
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0) throw new Error(`The server process ended with ${exitCode ?? signalCode}`);
  }
}

interface ServerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly execPath: string;
}

/** PostGraphile runs with the Node that is installed beside it, where there is one: it may want a younger one than the gateway. */
function programOf({ variant, databaseUrl, workers, postgraphileDir }: ServerProcessOptions): ServerProgram {
  if (variant !== "postgraphile")
    return { file: gatewayFile, args: [variant, databaseUrl, String(workers)], execPath: process.execPath };
  if (postgraphileDir === null) throw new Error("PostGraphile is not installed");
  const ownNode = join(postgraphileDir, "node_modules/.bin/node");
  return {
    file: benchFile("postgraphile-server.mjs"),
    args: [postgraphileDir, databaseUrl],
    execPath: existsSync(ownNode) ? ownNode : process.execPath,
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** @throws Error for anything that is no request */
export function parseServerRequest(message: unknown): ServerRequest {
  const request = serverRequests.find((known) => known === message);
  if (request === undefined) throw new Error(`A server process was asked ${JSON.stringify(message)}`);
  return request;
}

/** Nothing is to be done about a process that has ended: whoever waits for its answer is told. */
function send(child: ChildProcess, request: ServerRequest): void {
  child.send(request, () => undefined);
}

/** @throws Error when the process ends instead */
function receive<Kind extends ServerMessage["kind"]>(
  child: ChildProcess,
  kind: Kind,
): Promise<ServerMessage & { kind: Kind }> {
  return new Promise((resolve, reject) => {
    if (hasEnded(child)) reject(new Error("The server process has ended by itself"));
    const onExit = (code: number | null): void =>
      reject(new Error(`The server process ended with ${code ?? "a signal"}`));
    child.once("exit", onExit);
    child.once("message", (message: ServerMessage) => {
      child.off("exit", onExit);
      if (isOfKind(message, kind)) resolve(message);
      else reject(new Error(`The server process said ${message.kind} where ${kind} was expected`));
    });
  });
}

function isOfKind<Kind extends ServerMessage["kind"]>(
  message: ServerMessage,
  kind: Kind,
): message is ServerMessage & { kind: Kind } {
  return message.kind === kind;
}
