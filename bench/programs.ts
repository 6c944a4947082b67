import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { errorCodeOf } from "../src/error-message.ts";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. @returns what it printed @throws Error with what it said, where it failed */
export async function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ended with ${code ?? "a signal"}: ${`${stdout}\n${stderr}`.trim()}`);
  return stdout;
}

/** Asks a program for its version. @returns what it says, however it ends; null where it is not installed */
export async function findProgram(file: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(file, args, {});
    return `${stdout}\n${stderr}`.trim();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}

async function run(file: string, args: readonly string[], { cwd, env = {} }: RunOptions): Promise<Ended> {
  const child = spawn(file, [...args], { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
