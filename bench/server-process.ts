import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * gateway: the product. usual: the same with the resolver that most people would write. constant: the same with an answer that
 * is always the same.
 */
export type ServerVariant = "gateway" | "usual" | "constant";

/** What a server process says. */
export type ServerMessage =
  | { readonly kind: "ready"; readonly url: string; readonly clientId: string; readonly clientSecret: string }
  | ({ readonly kind: "usage" } & Usage);

/** What a server process takes. */
export interface Usage {
  /** User and system time so far, of all its threads, in microseconds. */
  readonly cpuMicros: number;
  /** Memory that it holds now. */
  readonly rssBytes: number;
}

const serverRequests = ["usage", "stop"] as const;

/** What a server process is asked. */
export type ServerRequest = (typeof serverRequests)[number];

export interface ServerProcessOptions {
  readonly variant: ServerVariant;
  readonly databaseUrl: string;
  /** Where the process writes a CPU profile when it stops; null for none. */
  readonly profileDir: string | null;
}

const serverFile = fileURLToPath(new URL("./server.js", import.meta.url));
const stopTimeoutMs = 30_000;

/** A server in a process of its own, so that its processor time can be told from that of the load. */
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

  static async start({ variant, databaseUrl, profileDir }: ServerProcessOptions): Promise<ServerProcess> {
    const execArgv = profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
    const env = { ...process.env, NODE_ENV: "production" };
    const child = fork(serverFile, [variant, databaseUrl], {
      execArgv,
      env,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    try {
      const ready = await receive(child, "ready");
      return new ServerProcess(child, ready.url, await requestToken(ready));
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

async function requestToken({ url, clientId, clientSecret }: ServerMessage & { kind: "ready" }): Promise<string> {
  const response = await fetch(new URL("/oauth/access_token", url), {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret }),
  });
  const body: unknown = await response.json();
  const token = typeof body === "object" && body !== null && "access_token" in body ? body.access_token : undefined;
  if (typeof token !== "string") throw new Error(`No access token was issued: ${JSON.stringify(body)}`);
  return token;
}
