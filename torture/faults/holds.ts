import { pause } from "../../src/pause.ts";
import type { Findings } from "../check/tally.ts";
import { eventually } from "../daemons.ts";
import type { EndFault, Fault, Scene } from "./fault.ts";
import type { Database } from "../world/database.ts";
import { embedded } from "../world/embedded-database.ts";

/** How long most faults last. */
export const usualHold = { short: 600, long: 4_000 } as const;
/** For what is over as soon as it has happened: time for clients to feel it. */
export const instant = { short: 300, long: 1_500 } as const;

/** For faults that end by themselves. */
export const nothingToEnd: EndFault = async () => undefined;

/** Something that happens again and again, at random intervals, for as long as the fault is kept up. */
export function repeated<D extends Database>(
  once: (scene: Scene<D>) => Promise<void>,
  pauseMs: { readonly min: number; readonly max: number },
): Fault<D>["begin"] {
  return async (scene) => {
    const ending = new AbortController();
    const repeat = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        await once(scene);
        // Not past the end.
        await pause(scene.random.integer(pauseMs.min, pauseMs.max), ending.signal);
      }
    };
    const done = repeat();
    return async () => {
      ending.abort();
      await done;
    };
  };
}

/** So much longer than there is time for at most: longer than any bound of the gateway's that a fault is to run into. */
const strikeMsMax = 15_000;

/** For what strikes by chance, or when somebody comes by: it is kept up until it has struck, however little time there is. */
export function untilStruck<D extends Database>(begin: Fault<D>["begin"]): Fault<D>["begin"] {
  return async (scene) => {
    const end = await begin(scene);
    return async () => {
      await hasStruck(scene.findings);
      await end();
    };
  };
}

async function hasStruck({ tally }: Findings): Promise<void> {
  // If it has not by then, its count of 0 says so.
  await eventually("a first strike", async () => tally.struck > 0, strikeMsMax).catch(() => undefined);
}

/** Nothing goes wrong at all: for what is broken from the start. */
export const noFault: Fault = {
  name: "no-fault",
  description: "nothing goes wrong",
  needs: embedded,
  holdMs: { short: 1_500, long: 4_000 },
  begin: async () => nothingToEnd,
};
