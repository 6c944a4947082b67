import { eventually } from "../daemons.ts";
import type { Fault } from "./fault.ts";
import { repeated, usualHold } from "./holds.ts";
import { movedClock } from "../world/moved-clock.ts";
import type { MovedClock } from "../world/moved-clock.ts";
import type { Station } from "../world/world.ts";

/** Where a clock that nobody moves would be seen. */
const firstAhead = 3_600;
const secondsAhead = [-2_592_000, -7_200, -60, -2, 0, 2, 60, 7_200, 2_592_000];

/** Nobody may notice: tokens hold and end by the database's clock, and durations by one that nobody sets. */
export const clockJumps: Fault<MovedClock> = {
  name: "clock-jumps",
  description: "the gateways' clock is put forward and back, by seconds and by weeks, again and again",
  needs: movedClock,
  holdMs: usualHold,
  begin: async (scene) => {
    const { database, stations } = scene.world;
    let ahead = 0;
    const put = async (seconds: number): Promise<void> => {
      await database.put(seconds);
      if (seconds !== ahead) scene.findings.strike();
      ahead = seconds;
    };
    await put(firstAhead);
    await eventually("all gateways' clocks put forward", () => areAhead(stations, firstAhead), 5_000);
    const end = await repeated<MovedClock>(({ random }) => put(random.pick(secondsAhead)), { min: 20, max: 300 })(
      scene,
    );
    return async () => {
      await end();
      await put(0);
    };
  },
};

/** By the date that they put into their answers, to half of the difference: it may be a second old. */
async function areAhead(stations: readonly Station[], seconds: number): Promise<boolean> {
  const answers = await Promise.all(stations.map(({ process }) => fetch(`${process.url}/healthz`)));
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  return answers.every(({ headers }) => Date.parse(headers.get("date") ?? "") - Date.now() > seconds * 500);
}
