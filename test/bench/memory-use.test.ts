import { expect, test } from "@jest/globals";
import { toMemoryUse } from "../../bench/memory-use.ts";

test("tells the most memory that was held, and whether it grew from the first third of the time to the last", () => {
  const megabytes = [100, 200, 900, 300, 300, 350, 250];
  expect(
    toMemoryUse(
      megabytes.map((value) => value * 1_000_000),
      1_234,
    ),
  ).toEqual({
    rssMaxMb: 900,
    growth: 2,
    requests: 1_234,
  });
  expect(toMemoryUse([5_000_000], 1)).toEqual({ rssMaxMb: 5, growth: 1, requests: 1 });
});
