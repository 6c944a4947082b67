import { autocannonLoad } from "./autocannon-load.ts";
import { findProgram } from "./programs.ts";
import { wrkLoad } from "./wrk-load.ts";
import type { Workload } from "./workload.ts";

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
  readonly workload: Workload;
  /** Whole ones. */
  readonly seconds: number;
}

/** What was answered in one stretch of time. */
export interface Stretch {
  readonly seconds: number;
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Something that makes load. */
export interface Load {
  /** With its version. */
  readonly description: string;
  /**
   * Has each connection send one request after another for a stretch of time. What is in flight at its end may still be carried
   * out.
   * @throws Error with the first answer that is not a success
   */
  run(options: LoadOptions): Promise<Stretch>;
}

/** wrk where it is installed, for it takes the least of the processor that the server needs too; else autocannon. */
export async function chooseLoad(): Promise<Load> {
  const wrk = await findProgram("wrk", ["-v"]);
  return wrk === null ? autocannonLoad : wrkLoad(/wrk (?:\S*\/)?[\d.]+/.exec(wrk)?.[0] ?? "wrk");
}
