import { SingleBar } from "cli-progress";

/** Where progress is shown: a terminal or a file. */
export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** How far a long command has come. */
export interface Progress {
  /** @param total how many there are to be done, if that is known */
  start(total: number): void;
  /** @param count how many were done since */
  advance(count: number): void;
  /** Leaves the last state on the screen. */
  stop(): void;
}

/** How often something is said where nobody looks at a moving bar: a log of a night has some lines, not thousands. */
const lineEveryMs = 5_000;
const numbers = new Intl.NumberFormat("en-US");

/**
 * A bar with rate and time left on a terminal, a plain line every five seconds elsewhere.
 * @param noun what is counted, in the plural
 */
export function createProgress(stream: ProgressStream, noun: string, clock: Clock = systemClock): Progress {
  const meter = new Meter(clock);
  return stream.isTTY === true ? new BarProgress(stream, noun, meter) : new LineProgress(stream, noun, meter);
}

/** Milliseconds since any moment; given from outside so that a test can move it. */
type Clock = () => number;
const systemClock: Clock = () => performance.now();

class BarProgress implements Progress {
  readonly #bar: SingleBar;
  readonly #meter: Meter;

  constructor(stream: NodeJS.WritableStream, noun: string, meter: Meter) {
    this.#meter = meter;
    const format = `{bar} {percentage}% | {done} of {all} ${noun} | {rate}/s | {left} left`;
    this.#bar = new SingleBar({
      stream,
      format,
      barsize: 30,
      hideCursor: true,
      barCompleteChar: "█",
      barIncompleteChar: "░",
    });
  }

  start(total: number): void {
    this.#meter.start(total);
    this.#bar.start(total, 0, this.#meter.read());
  }

  advance(count: number): void {
    this.#meter.advance(count);
    this.#bar.update(Math.min(this.#meter.done, this.#meter.total), this.#meter.read());
  }

  stop(): void {
    this.#bar.stop();
  }
}

/** Says how far it is at intervals, and nothing of what takes no time. */
class LineProgress implements Progress {
  readonly #stream: NodeJS.WritableStream;
  readonly #noun: string;
  readonly #meter: Meter;
  #nextLineAt = 0;

  constructor(stream: NodeJS.WritableStream, noun: string, meter: Meter) {
    this.#meter = meter;
    this.#stream = stream;
    this.#noun = noun;
  }

  start(total: number): void {
    this.#meter.start(total);
    this.#nextLineAt = lineEveryMs;
  }

  advance(count: number): void {
    this.#meter.advance(count);
    if (this.#meter.elapsedMs < this.#nextLineAt) return;
    this.#nextLineAt = this.#meter.elapsedMs + lineEveryMs;
    const { done, all, rate, left } = this.#meter.read();
    this.#stream.write(`${done} of ${all} ${this.#noun}, ${rate}/s, ${left} left\n`);
  }

  stop(): void {}
}

/** Counts, and works out the rest from the rate so far. */
class Meter {
  total = 0;
  done = 0;
  readonly #clock: Clock;
  #startedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get elapsedMs(): number {
    return this.#clock() - this.#startedAt;
  }

  start(total: number): void {
    this.total = total;
    this.done = 0;
    this.#startedAt = this.#clock();
  }

  advance(count: number): void {
    this.done += count;
  }

  read(): { done: string; all: string; rate: string; left: string } {
    const seconds = Math.max(0.001, this.elapsedMs / 1_000);
    const rate = this.done / seconds;
    const left = rate === 0 ? null : Math.max(0, this.total - this.done) / rate;
    return {
      done: numbers.format(this.done),
      all: numbers.format(Math.max(this.done, this.total)),
      rate: numbers.format(Math.round(rate)),
      left: left === null ? "?" : durationOf(Math.ceil(left)),
    };
  }
}

/** Hours, minutes and seconds, as far as there are any. */
function durationOf(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3_600), "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return (first === -1 ? parts.slice(2) : parts.slice(first, first + 2))
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
