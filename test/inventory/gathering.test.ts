import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Gathering } from "../../src/inventory/gathering.ts";

/** A lane's clock stands still but for what a test lets pass. */
beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

let waiting: number;
let gathering: Gathering;

beforeEach(() => {
  waiting = 0;
  gathering = new Gathering(1_000);
});

function arrive(commands = 1): void {
  waiting += commands;
  gathering.arrived(waiting);
}

/** Ends a group of so many commands that took 4 ms. */
function end(commands: number): void {
  waiting -= commands;
  gathering.ended(commands, 4, waiting);
}

/** Asks for the next group. */
function begin(): { readonly hasBegun: () => boolean } {
  const gathered = gathering.wait(() => waiting);
  let begun = gathered === null;
  void gathered?.then(() => (begun = true));
  return { hasBegun: () => begun };
}

test("one who asks one thing after another is never waited for, and no timer runs", () => {
  for (let round = 0; round < 3; round += 1) {
    arrive();
    expect(begin().hasBegun()).toBe(true);
    end(1);
  }
  expect(jest.getTimerCount()).toBe(0);
});

test("a group waits for those who were there at the end of the last one, and for no longer", async () => {
  arrive(8);
  end(4);
  const group = begin();
  for (let command = 5; command <= 8; command += 1) {
    await jest.advanceTimersByTimeAsync(0.5);
    expect(group.hasBegun()).toBe(false);
    arrive();
  }
  await jest.advanceTimersByTimeAsync(0);
  expect(group.hasBegun()).toBe(true);
});

test("where they were all answered, the first to come back is not alone", async () => {
  arrive(4);
  end(4);
  await jest.advanceTimersByTimeAsync(1);
  arrive();
  const group = begin();
  await jest.advanceTimersByTimeAsync(0);
  arrive(2);
  await jest.advanceTimersByTimeAsync(0);
  expect(group.hasBegun()).toBe(false);
  arrive();
  await jest.advanceTimersByTimeAsync(0);
  expect(group.hasBegun()).toBe(true);
});

test("a group begins when those missing come too slowly to be there in time", async () => {
  arrive(40);
  end(20);
  const group = begin();
  // At 3 in a millisecond 20 take nearly seven of the eight that are waited at most; at 1, too long.
  await jest.advanceTimersByTimeAsync(0.5);
  arrive(3);
  await jest.advanceTimersByTimeAsync(1);
  expect(group.hasBegun()).toBe(false);
  arrive(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(group.hasBegun()).toBe(true);
});

test("waits in vain become rarer, and are as often as before once somebody has come", async () => {
  /** Has groups begin until one waits. @returns how many did not */
  const groupsBeforeWait = async (isInVain: boolean): Promise<number> => {
    for (let groups = 0; ; groups += 1) {
      waiting = 2;
      end(1);
      const group = begin();
      if (group.hasBegun()) continue;
      if (!isInVain) arrive();
      await jest.advanceTimersByTimeAsync(10);
      return groups;
    }
  };
  const inVain: number[] = [];
  for (let wait = 0; wait < 8; wait += 1) inVain.push(await groupsBeforeWait(true));
  expect(inVain).toEqual([0, 2, 4, 8, 16, 32, 64, 64]);
  expect(await groupsBeforeWait(false)).toBe(64);
  expect(await groupsBeforeWait(false)).toBe(0);
});

test("who comes long after the last group is not waited with", async () => {
  arrive(8);
  end(8);
  await jest.advanceTimersByTimeAsync(8);
  arrive();
  expect(begin().hasBegun()).toBe(true);
});

test("a group that can't become larger begins", () => {
  gathering = new Gathering(4);
  arrive(10);
  end(5);
  expect(begin().hasBegun()).toBe(true);
});
