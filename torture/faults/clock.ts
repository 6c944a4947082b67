import type { Fault } from "./fault.ts";
import { repeated, usualHold } from "./holds.ts";
import { movedClock } from "../world/moved-clock.ts";
import type { MovedClock } from "../world/moved-clock.ts";

const secondsAhead = [-2_592_000, -7_200, -60, -2, 0, 2, 60, 7_200, 2_592_000];

/** Nobody may notice: tokens hold and end by the database's clock, and durations by one that nobody sets. */
export const clockJumps: Fault<MovedClock> = {
  name: "clock-jumps",
  description: "the gateways' clock is put forward and back, by seconds and by weeks, again and again",
  needs: movedClock,
  holdMs: usualHold,
  begin: async (scene) => {
    const end = await repeated<MovedClock>(
      ({ world: { database }, random }) => database.put(random.pick(secondsAhead)),
      { min: 20, max: 300 },
    )(scene);
    return async () => {
      await end();
      await scene.world.database.put(0);
    };
  },
};
