import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { createProgress } from "../../src/operations/progress.ts";

describe("progress", () => {
  test("is a plain line every five seconds where there is no terminal", () => {
    const stream = new PassThrough({ encoding: "utf8" });
    let nowMs = 1_000;
    const progress = createProgress(stream, "lines", () => nowMs);
    progress.start(100_000);
    for (let second = 0; second < 12; second += 1) {
      nowMs += 1_000;
      progress.advance(1_500);
    }
    progress.stop();
    expect(stream.read()).toBe(
      "7,500 of 100,000 lines, 1,500/s, 1 min 2 s left\n15,000 of 100,000 lines, 1,500/s, 57 s left\n",
    );
  });

  test("is a bar with rate and time left on a terminal", () => {
    const stream = Object.assign(new PassThrough({ encoding: "utf8" }), {
      isTTY: true,
      columns: 120,
      cursorTo: () => true,
      moveCursor: () => true,
      clearLine: () => true,
    });
    let nowMs = 1_000;
    const progress = createProgress(stream, "lines", () => nowMs);
    progress.start(10_000_000);
    nowMs += 1_000;
    progress.advance(2_000);
    progress.advance(9_998_000 / 2);
    progress.stop();
    expect(String(stream.read())).toContain(
      "███████████████░░░░░░░░░░░░░░░ 50% | 5,001,000 of 10,000,000 lines | 5,001,000/s | 1 s left",
    );
  });
});
