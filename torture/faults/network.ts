import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../random.ts";
import { embedded } from "../world/embedded-database.ts";
import type { Behaviour, FaultyProxy } from "../world/faulty-proxy.ts";
import type { Station } from "../world/world.ts";
import type { Fault } from "./fault.ts";
import { untilStruck, usualHold } from "./holds.ts";

/** Which of a gateway's two sides: that of its clients, or that of the database. */
type Side = "clientProxy" | "databaseProxy";

interface NetworkFault {
  readonly name: string;
  readonly description: string;
  readonly side: Side;
  readonly holdMs?: Fault["holdMs"];
  /** Whether one gateway has it, or all. */
  readonly reach: "one" | "all";
  readonly behaviour: (random: Random, strike: Strike) => Behaviour;
  /** What happens at once, to connections that are open. */
  readonly atOnce?: (proxy: FaultyProxy, strike: Strike) => void;
}

/** Called each time that something happens to bytes, or to a connection. */
type Strike = () => void;

function networkFault({ name, description, side, reach, behaviour, atOnce, holdMs = usualHold }: NetworkFault): Fault {
  return {
    name,
    description,
    needs: embedded,
    holdMs,
    begin: untilStruck(async ({ world, random, findings }) => {
      const stations: readonly Station[] = reach === "one" ? [random.pick(world.stations)] : world.stations;
      const strike = (): void => findings.strike();
      for (const station of stations) {
        atOnce?.(station[side], strike);
        station[side].behave(behaviour(random, strike));
      }
      return async () => {
        for (const station of stations) station[side].heal();
      };
    }),
  };
}

/** Passes half of some requests on, and resets the connection. */
function cutsRequests(percent: number): NetworkFault["behaviour"] {
  return (random, strike) =>
    ({ link, direction, bytes }) => {
      if (direction === "request" && random.percent(percent)) {
        link.forward(direction, bytes.subarray(0, bytes.length >> 1));
        link.cut();
        strike();
      } else link.forward(direction, bytes);
    };
}

/** Passes requests on, and resets the connection when some of them are answered. */
function cutsAnswers(percent: number): NetworkFault["behaviour"] {
  return (random, strike) => {
    const chosen = new WeakSet<object>();
    return ({ link, direction, bytes }) => {
      if (direction === "answer" && chosen.has(link)) {
        link.cut();
        strike();
        return;
      }
      if (direction === "request" && random.percent(percent)) chosen.add(link);
      link.forward(direction, bytes);
    };
  };
}

/** What PostgreSQL answers when it has committed: the end of CommandComplete. */
const committed = "COMMIT\0";

/**
 * Passes COMMIT on, and resets the connection: when COMMIT has been done and before anybody hears of it, or, every other time,
 * when anything else is answered while it is being done. Of the latter the harness can't tell, so that only the former count.
 */
const cutsAfterCommit: NetworkFault["behaviour"] = (random, strike) => {
  const chosen = new WeakMap<object, "committed" | "anything">();
  return ({ link, direction, bytes }) => {
    const awaited = direction === "answer" ? chosen.get(link) : undefined;
    const isCommitted = direction === "answer" && bytes.includes(committed);
    if (awaited === "anything" || (awaited === "committed" && isCommitted)) {
      link.cut();
      if (isCommitted) strike();
      return;
    }
    if (direction === "request" && bytes.includes("COMMIT") && random.percent(15))
      chosen.set(link, random.percent(50) ? "committed" : "anything");
    link.forward(direction, bytes);
  };
};

const blackHole: NetworkFault["behaviour"] = (_, strike) => (passage) => {
  passage.link.hasLostBytes = true;
  strike();
};

/** Each way takes so much longer. */
function delaysBy(milliseconds: number): NetworkFault["behaviour"] {
  return (_, strike) =>
    async ({ link, direction, bytes, arrivedAt }) => {
      await wait(Math.max(0, arrivedAt + milliseconds - performance.now()));
      link.forward(direction, bytes);
      strike();
    };
}

const byteByByte: NetworkFault["behaviour"] =
  (_, strike) =>
  async ({ link, direction, bytes }) => {
    if (bytes.length > 1) strike();
    for (const byte of bytes) {
      link.forward(direction, Buffer.of(byte));
      await new Promise(setImmediate);
    }
  };

const pass: NetworkFault["behaviour"] =
  () =>
  ({ link, direction, bytes }) =>
    link.forward(direction, bytes);

function leaveHalfOpen(proxy: FaultyProxy, strike: Strike): void {
  for (const link of proxy.links) {
    link.leaveHalfOpen();
    strike();
  }
}

const definitions: readonly NetworkFault[] = [
  {
    name: "cut-statement",
    description: "connections to the database are reset in the middle of a statement",
    side: "databaseProxy",
    reach: "all",
    behaviour: cutsRequests(3),
  },
  {
    name: "cut-after-commit",
    description: "COMMIT arrives, and the connection is reset before its answer",
    side: "databaseProxy",
    reach: "all",
    behaviour: cutsAfterCommit,
  },
  {
    name: "black-hole-database",
    description: "nothing gets through to the database, and nothing says so",
    side: "databaseProxy",
    reach: "one",
    holdMs: { short: 1_000, long: 12_000 },
    behaviour: blackHole,
  },
  {
    name: "delay-database",
    description: "200 ms more each way to the database",
    side: "databaseProxy",
    reach: "all",
    holdMs: { short: 1_000, long: 8_000 },
    behaviour: delaysBy(200),
  },
  {
    name: "lag-database",
    description: "120 ms more each way between one gateway and the database",
    side: "databaseProxy",
    reach: "one",
    holdMs: { short: 1_000, long: 8_000 },
    behaviour: delaysBy(120),
  },
  {
    name: "bytes-database",
    description: "one byte at a time to the database and back",
    side: "databaseProxy",
    reach: "one",
    behaviour: byteByByte,
  },
  {
    name: "half-open-database",
    description: "the database's side of the connections is gone, and the gateways are not told",
    side: "databaseProxy",
    reach: "all",
    behaviour: pass,
    atOnce: leaveHalfOpen,
  },
  {
    name: "cut-request",
    description: "connections of clients are reset in the middle of a request",
    side: "clientProxy",
    reach: "all",
    behaviour: cutsRequests(4),
  },
  {
    name: "cut-answer",
    description: "requests arrive, and the connection is reset before their answer",
    side: "clientProxy",
    reach: "all",
    behaviour: cutsAnswers(10),
  },
  {
    name: "black-hole-clients",
    description: "nothing gets through between clients and one gateway",
    side: "clientProxy",
    reach: "one",
    behaviour: blackHole,
  },
  {
    name: "delay-clients",
    description: "200 ms more each way between clients and gateways",
    side: "clientProxy",
    reach: "all",
    holdMs: { short: 1_000, long: 8_000 },
    behaviour: delaysBy(200),
  },
  {
    name: "bytes-clients",
    description: "one byte at a time between clients and gateways",
    side: "clientProxy",
    reach: "all",
    behaviour: byteByByte,
  },
  {
    name: "half-open-clients",
    description: "the gateways' side of the connections is gone, and clients are not told",
    side: "clientProxy",
    reach: "all",
    behaviour: pass,
    atOnce: leaveHalfOpen,
  },
];

/** What happens between clients, gateways and the database. */
export const networkFaults: readonly Fault[] = definitions.map(networkFault);
