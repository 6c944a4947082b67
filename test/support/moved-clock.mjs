/**
 * Loaded before a program: its clock is ahead by as many milliseconds as the file named by CLOCK_FILE says, from the moment
 * that it says so. The monotonic clock goes on as ever, as it does on a machine whose clock is set.
 */
import { readFileSync } from "node:fs";

const RealDate = globalThis.Date;
const now = () => RealDate.now() + Number(readFileSync(process.env.CLOCK_FILE, "utf8"));

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, newTarget) =>
    Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
