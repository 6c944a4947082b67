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
  test("is replaced later and later, and at last not any more", () => {
    const restarts = new Restarts();
    const delays = Array.from({ length: 10 }, () => restarts.next(0));
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, null, null]);
  });

  test("has a new chance when it had served for a minute", () => {
    const restarts = new Restarts();
    for (let death = 0; death < 7; death += 1) restarts.next(59_999);
    expect(restarts.next(60_000)).toBe(100);
  });
});
