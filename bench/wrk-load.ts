import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchFile } from "./bench-file.ts";
import type { Load, Stretch } from "./load.ts";
import { runProgram } from "./programs.ts";
import { signsOfFailure } from "./workload.ts";

/** Tells wrk what to send, and looks at each answer. */
const script = benchFile("wrk-load.lua");

/** wrk, a process of its own with one thread. */
export function wrkLoad(description: string): Load {
  return {
    description,
    async run({ url, token, connections, workload, seconds }) {
      const folder = await mkdtemp(join(tmpdir(), "inventory-gateway-wrk-"));
      try {
        const file = join(folder, "requests");
        await writeFile(file, workload.requests.map(({ path, body }) => `${path} ${body}\n`).join(""));
        const options = [`--connections=${connections}`, "--threads=1", `--duration=${seconds}s`, "--timeout=15s"];
        const headers = ["-H", "content-type: application/json", "-H", `authorization: Bearer ${token}`];
        const forScript = [file, workload.answerBeginsWith, ...signsOfFailure];
        return parseWrkOutput(await runProgram("wrk", [...options, ...headers, "-s", script, url, "--", ...forScript]));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Reads what the script printed last. @throws Error where an answer was no success, or a connection failed */
export function parseWrkOutput(output: string): Stretch {
  const failure = /^failure (.*)$/ms.exec(output)?.[1];
  if (failure !== undefined) throw new Error(failure.trim());
  const numbers = /^answers (\d+) micros (\d+) p50 ([\d.]+) p99 ([\d.]+) errors (\d+)$/m.exec(output);
  if (numbers === null) throw new Error(`wrk printed no figures: ${output}`);
  const [answers = 0, micros = 0, p50 = 0, p99 = 0, errors = 0] = numbers.slice(1).map(Number);
  if (errors > 0) throw new Error(`${errors} requests failed: ${output}`);
  if (answers === 0) throw new Error("Nothing was answered");
  return { answers, seconds: micros / 1_000_000, p50Ms: p50 / 1_000, p99Ms: p99 / 1_000 };
}
