import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** How a gateway is run. */
export interface GatewayProgram {
  /** The program's file, its arguments before it. */
  readonly command: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it listens. */
  readonly port: number;
  /** Where it works. */
  readonly folder: string;
  /** What it says goes there. */
  readonly logFile: string;
}

const restartPauseMs = 200;
const startTimeoutMs = 20_000;
const stopTimeoutMs = 30_000;

/** A gateway in a process of its own, and the supervisor that starts it again when it is gone. */
export class GatewayProcess {
  /** Where it listens, without a proxy. */
  readonly url: string;
  /** Ends that nobody asked for, of a gateway that served. */
  readonly crashes: string[] = [];
  readonly #program: GatewayProgram;
  #child: ChildProcess | null = null;
  #hasServed = false;
  #isEndExpected = false;
  #isSupervised = true;

  constructor(program: GatewayProgram) {
    this.#program = program;
    this.url = `http://127.0.0.1:${program.port}`;
  }

  /** The process; null while it is being started again. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it, and waits until it serves. @throws Error with what it said, where it does not */
  async start(): Promise<void> {
    this.#launch();
    await this.#isReady();
  }

  /** Ends it without a warning; the supervisor starts it again. @returns whether there was one to end */
  async kill(): Promise<boolean> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return false;
    const ended = once(child, "exit");
    this.#isEndExpected = true;
    child.kill("SIGKILL");
    await ended;
    return true;
  }

  /** Stops and continues the process, as a debugger or a paused machine would. @returns whether there was one */
  signal(signal: "SIGSTOP" | "SIGCONT"): boolean {
    return this.#child?.kill(signal) ?? false;
  }

  /** Asks it to end as a deployment does, and waits until the next one serves. @returns its exit code; null where a signal has ended it */
  async restart(): Promise<number | null> {
    const code = await this.#end();
    await this.#isReady();
    return code;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#isSupervised = false;
    await this.#end();
  }

  /** The kilobytes of memory it holds. */
  residentKilobytes(): number {
    const status = this.pid === null ? "" : readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }

  async #end(): Promise<number | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, "exit");
    this.#isEndExpected = true;
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    const overdue = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(overdue);
    return child.exitCode;
  }

  #launch(): void {
    const { command, environment, folder, logFile } = this.#program;
    const [file = "", ...args] = command;
    const log = openSync(logFile, "a");
    const child = spawn(file, args, { cwd: folder, env: environment, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.#hasServed = false;
    this.#isEndExpected = false;
    child.once("exit", (code, signal) => {
      if (this.#hasServed && !this.#isEndExpected && this.#isSupervised)
        this.crashes.push(`A gateway ended with ${code ?? signal}: ${readFileSync(logFile, "utf8").slice(-2_000)}`);
      void this.#startAgain();
    });
    void this.#watchReadiness(child);
  }

  async #startAgain(): Promise<void> {
    await wait(restartPauseMs);
    if (this.#isSupervised) this.#launch();
  }

  async #watchReadiness(child: ChildProcess): Promise<void> {
    while (child.exitCode === null && child.signalCode === null && !this.#hasServed) {
      this.#hasServed = (await fetch(`${this.url}/healthz`).catch(() => null))?.status === 200;
      await wait(50);
    }
  }

  async #isReady(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    while (Date.now() < deadline) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.status === 200) return;
      await wait(50);
    }
    throw new Error(`A gateway does not serve: ${readFileSync(this.#program.logFile, "utf8").slice(-2_000)}`);
  }
}
