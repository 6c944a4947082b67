import type { Findings } from "../check/tally.ts";
import type { Load } from "../load/load.ts";
import type { Random } from "../random.ts";
import type { Database, Setting } from "../world/database.ts";
import type { World } from "../world/world.ts";

/** What a fault happens to. */
export interface Scene<D extends Database = Database> {
  readonly world: World<D>;
  /** The clients at work. */
  readonly load: Load;
  /** Whatever a fault chooses it takes from here, so that a seed repeats it. */
  readonly random: Random;
  /** Where a fault says each time that it has struck, and, if it has bounds of its own, that one did not hold: see "outOfBounds". */
  readonly findings: Findings;
}

/** Puts everything back: things are as before then, or on their way there by themselves. */
export type EndFault = () => Promise<void>;

/** Something that goes wrong while clients are at work. */
export interface Fault<D extends Database = Database> {
  /** In the table and for `--only`: kebab-case. */
  readonly name: string;
  /** What happens, in a few words. */
  readonly description: string;
  /** What it needs to happen to. Faults with the same needs share one world, which is opened once a run. */
  readonly needs: Setting<D>;
  /** How long it is kept up, in milliseconds: when there is little time, and when there is enough. */
  readonly holdMs: { readonly short: number; readonly long: number };
  begin(scene: Scene<D>): Promise<EndFault>;
}
