import { describe, expect, test } from "@jest/globals";
import { RateLimitedError } from "../../src/access/rate-limited-error.ts";
import { RateLimits } from "../../src/access/rate-limits.ts";
import { MovableClock } from "./support.ts";

const perClient = 10;

function createLimits(options = { perClient, perAddress: 2 }): { limits: RateLimits; clock: MovableClock } {
  const clock = new MovableClock();
  clock.stop();
  return { limits: new RateLimits(options, clock.now), clock };
}

/** When to come again, in seconds; null when it was let in. */
function refusalOf(request: () => void): number | null {
  try {
    request();
    return null;
  } catch (error) {
    if (error instanceof RateLimitedError) return error.retryAfterSeconds;
    throw error;
  }
}

describe("a client", () => {
  test("may spend ten seconds' worth at once, and then what it gains", () => {
    const { limits, clock } = createLimits();
    for (let spent = 0; spent <= 10 * perClient; spent += 1) limits.admitClient("a");
    expect(refusalOf(() => limits.admitClient("a"))).toBe(1);
    clock.forward(100);
    expect(refusalOf(() => limits.admitClient("a"))).toBeNull();
    expect(refusalOf(() => limits.admitClient("a"))).toBe(1);
  });

  test("pays off a batch dearer than all it could save, and is told exactly when it may come again", () => {
    const { limits, clock } = createLimits();
    limits.chargeClient("a", 1_000);
    expect(refusalOf(() => limits.admitClient("a"))).toBe(90);
    clock.forward(89_999);
    expect(refusalOf(() => limits.admitClient("a"))).toBe(1);
    clock.forward(1);
    expect(refusalOf(() => limits.admitClient("a"))).toBeNull();
  });

  test("saves no more than ten seconds' worth, however long it is idle", () => {
    const { limits, clock } = createLimits();
    limits.admitClient("a");
    clock.forward(3_600_000);
    limits.chargeClient("a", 10 * perClient + 20);
    expect(refusalOf(() => limits.admitClient("a"))).toBe(2);
  });

  test("neither gains nor loses by a clock that is put back", () => {
    const { limits, clock } = createLimits();
    limits.chargeClient("a", 10 * perClient + 20);
    clock.forward(-3_600_000);
    expect(refusalOf(() => limits.admitClient("a"))).toBe(2);
    clock.forward(2_000);
    expect(refusalOf(() => limits.admitClient("a"))).toBeNull();
  });

  test("takes nothing from another", () => {
    const { limits } = createLimits();
    limits.chargeClient("a", 1_000);
    expect(refusalOf(() => limits.admitClient("b"))).toBeNull();
    expect(refusalOf(() => limits.admitAddress("a"))).toBeNull();
  });
});

describe("an address", () => {
  test.each([
    ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"],
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"],
    ["2001:db8::1", "2001:db8:0:0:1::", "2001:db8:0:1::1"],
  ])("%s is one with %s and not with %s", (address, same, other) => {
    const { limits } = createLimits();
    for (let sent = 0; sent <= 20; sent += 1) limits.admitAddress(sent % 2 === 0 ? address : same);
    expect(refusalOf(() => limits.admitAddress(address))).toBe(1);
    expect(refusalOf(() => limits.admitAddress(same))).toBe(1);
    expect(refusalOf(() => limits.admitAddress(other))).toBeNull();
  });
});

test("0 is no limit", () => {
  const { limits } = createLimits({ perClient: 0, perAddress: 0 });
  for (let sent = 0; sent < 10_000; sent += 1) {
    limits.chargeClient("a", 1_000_000);
    limits.admitAddress("192.0.2.1");
  }
  expect(refusalOf(() => limits.admitClient("a"))).toBeNull();
});

test("counting costs next to nothing in memory: who was not heard of for longest is forgotten", () => {
  const { limits } = createLimits();
  for (let sent = 0; sent <= 20; sent += 1) limits.admitAddress("192.0.2.1");
  expect(refusalOf(() => limits.admitAddress("192.0.2.1"))).toBe(1);
  for (let host = 0; host < 10_000; host += 1) limits.admitAddress(`198.18.${host >> 8}.${host & 255}`);
  expect(refusalOf(() => limits.admitAddress("192.0.2.1"))).toBeNull();
});
