import { expect, test } from "@jest/globals";
import type { Measurement } from "../../bench/measurement.ts";
import { compare, mediansOf, toFigureTable } from "../../bench/report.ts";
import { judge } from "../../bench/targets.ts";

const nothing: Measurement = {
  name: "",
  requestsPerSecond: 0,
  linesPerSecond: null,
  p50Ms: 0,
  p99Ms: 0,
  serverCpuMicros: null,
  groupSize: null,
  databaseMicros: null,
  memory: null,
  feed: null,
};

test("compares what was measured in the same run: lines where both write, else requests, and server CPU the other way round", () => {
  const figures = [
    { name: "floor" },
    { name: "single", comparedTo: ["floor", "not measured"], cpuComparedTo: ["floor", "outside"] },
    { name: "batch", comparedTo: ["single", "read"] },
    { name: "read" },
    { name: "outside" },
  ];
  const reported = compare(figures, [
    { ...nothing, name: "floor", requestsPerSecond: 4_000, linesPerSecond: 4_000, serverCpuMicros: 100 },
    { ...nothing, name: "single", requestsPerSecond: 2_000, linesPerSecond: 2_000, serverCpuMicros: 150 },
    { ...nothing, name: "batch", requestsPerSecond: 100, linesPerSecond: 10_000 },
    { ...nothing, name: "read", requestsPerSecond: 400 },
    { ...nothing, name: "outside", requestsPerSecond: 1 },
  ]);
  expect(reported.map(({ name, ratioTo, cpuRatioTo }) => ({ name, ratioTo, cpuRatioTo }))).toEqual([
    { name: "floor", ratioTo: {}, cpuRatioTo: {} },
    { name: "single", ratioTo: { floor: 0.5 }, cpuRatioTo: { floor: 1.5 } },
    { name: "batch", ratioTo: { single: 5, read: 0.25 }, cpuRatioTo: {} },
    { name: "read", ratioTo: {}, cpuRatioTo: {} },
    { name: "outside", ratioTo: {}, cpuRatioTo: {} },
  ]);
});

test("takes of several rounds the one in the middle, whole", () => {
  const rounds = [30, 10, 20].flatMap((requestsPerSecond) => [
    { ...nothing, name: "one", requestsPerSecond, p50Ms: requestsPerSecond * 2 },
    { ...nothing, name: "other", requestsPerSecond: -requestsPerSecond, p50Ms: 1 },
  ]);
  expect(mediansOf(rounds)).toEqual([
    { ...nothing, name: "one", requestsPerSecond: 20, p50Ms: 40 },
    { ...nothing, name: "other", requestsPerSecond: -20, p50Ms: 1 },
  ]);
});

test("shows no column that is empty in every row", () => {
  const [figure] = compare([{ name: "one" }], [{ ...nothing, name: "one", requestsPerSecond: 1_234.5, p50Ms: 2 }]);
  expect(toFigureTable(figure === undefined ? [] : [figure])).toBe(
    [
      "| figure | requests/s | p50 ms | p99 ms |",
      "| ------ | ---------: | -----: | -----: |",
      "| one    |       1235 |    2.0 |    0.0 |",
    ].join("\n"),
  );
});

test("says of each target whether the run has reached it, or has not measured what it takes", () => {
  const reported = compare(
    [
      { name: "constant-field" },
      { name: "mutation-uniform", cpuComparedTo: ["constant-field"] },
      { name: "stock", comparedTo: ["constant-field"] },
    ],
    [
      { ...nothing, name: "constant-field", requestsPerSecond: 1_000, serverCpuMicros: 100 },
      { ...nothing, name: "mutation-uniform", p50Ms: 2, p99Ms: 9, serverCpuMicros: 150 },
      { ...nothing, name: "stock", requestsPerSecond: 600 },
    ],
  );
  const verdicts = judge(reported);
  expect(verdicts.filter(({ isReached }) => isReached !== null)).toEqual([
    {
      description: "server CPU of a mutation against one that answers a constant",
      bound: { atMost: 1.5 },
      measured: 1.5,
      isReached: true,
    },
    {
      description: "stock by id against the constant field, requests/s",
      bound: { atLeast: 0.6 },
      measured: 0.6,
      isReached: true,
    },
    {
      description: "p99 against p50 at 32 connections, 10 000 products",
      bound: { atMost: 4 },
      measured: 4.5,
      isReached: false,
    },
  ]);
  expect(verdicts.length).toBeGreaterThan(3);
});

test("says nothing about memory before a million requests", () => {
  const verdictsAfter = (requests: number) =>
    judge(
      compare(
        [{ name: "mutation-512" }],
        [{ ...nothing, name: "mutation-512", p50Ms: 1, memory: { rssMaxMb: 450, growth: 1.02, requests } }],
      ),
    )
      .filter(({ isReached }) => isReached !== null)
      .map(({ measured, isReached }) => ({ measured, isReached }));
  expect(verdictsAfter(999_999)).toEqual([]);
  expect(verdictsAfter(1_000_000)).toEqual([
    { measured: 450, isReached: false },
    { measured: 1.02, isReached: true },
  ]);
});
