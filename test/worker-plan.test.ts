import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../src/config.ts";
import { Restarts } from "../src/restarts.ts";
import { planWorkers } from "../src/worker-plan.ts";

const settings = { lanes: 1, databasePoolSize: 10 } as const;

describe("workers", () => {
  test("are as many as asked for, and share the connections for reading", () => {
    expect(planWorkers({ ...settings, workers: 1 }, 20, 64)).toEqual({ count: 1, databasePoolSize: 10 });
    expect(planWorkers({ ...settings, workers: 4 }, 97, 2)).toEqual({ count: 4, databasePoolSize: 2 });
    expect(planWorkers({ ...settings, workers: 12 }, 97, 2)).toEqual({ count: 12, databasePoolSize: 1 });
  });

  test("are one per core, as far as the database has connections", () => {
    expect(planWorkers({ ...settings, workers: "cores" }, 97, 1)).toEqual({ count: 1, databasePoolSize: 10 });
    expect(planWorkers({ ...settings, workers: "cores" }, 97, 2)).toEqual({ count: 2, databasePoolSize: 5 });
    expect(planWorkers({ ...settings, workers: "cores" }, 97, 8)).toEqual({ count: 8, databasePoolSize: 1 });
    expect(planWorkers({ ...settings, workers: "cores" }, 97, 64)).toEqual({ count: 13, databasePoolSize: 1 });
    expect(planWorkers({ ...settings, workers: "cores" }, 5, 64)).toEqual({ count: 1, databasePoolSize: 10 });
  });

  test("are refused where the database has not enough connections for them", () => {
    expect(() => planWorkers({ ...settings, workers: 16 }, 97)).toThrow(
      new ConfigError("WORKERS: 16 workers take up to 118 database connections, and the server has 97"),
    );
  });
});

describe("a worker that dies", () => {
  const dieOften = (restarts: Restarts, place: number): (number | null)[] =>
    Array.from({ length: 10 }, () => restarts.died(place, 0));

  test("is replaced later and later, and at last every ten seconds, while another one serves", () => {
    const restarts = new Restarts(2);
    expect(dieOften(restarts, 0)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  });

  test("is not replaced any more when all have died again and again", () => {
    const restarts = new Restarts(2);
    dieOften(restarts, 0);
    expect(dieOften(restarts, 1)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, null, null]);
    expect(new Set(dieOften(new Restarts(1), 0).slice(8))).toEqual(new Set([null]));
  });

  test("is tried on while one serves that had died again and again, and while one is new to dying", () => {
    const restarts = new Restarts(2);
    dieOften(restarts, 0);
    restarts.serves(0);
    expect(dieOften(restarts, 1).at(-1)).toBe(10_000);
    expect(restarts.died(0, 60_000)).toBe(100);
    expect(dieOften(restarts, 1).at(-1)).toBe(10_000);
    expect(dieOften(restarts, 0).at(-1)).toBeNull();
  });

  test("has a new chance when it had served for a minute", () => {
    const restarts = new Restarts(1);
    for (let death = 0; death < 7; death += 1) restarts.died(0, 59_999);
    expect(restarts.died(0, 60_000)).toBe(100);
  });
});
