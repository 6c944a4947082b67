import { GraphQLError, GraphQLScalarType, Kind } from "graphql";

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))$/;
const earliestMs = Date.parse("0001-01-01T00:00:00.000Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** V8 takes its time to write an instant, and the stock transactions of one group, which are answered one after another, have the same. */
let lastWritten = { ms: Number.NaN, text: "" };

/** Instants, so strict that whatever passes is one that PostgreSQL can compare with: a real day, an offset, the years 1 … 9999. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  description:
    "An instant: ISO 8601, answered in UTC with milliseconds, as in `2027-03-01T09:30:00.000Z`. Where you give one, `Z` or an " +
    "offset like `+02:00` has to be there, the year is 0001 … 9999, and what is finer than a millisecond is cut off.",
  serialize(value) {
    if (!(value instanceof Date)) throw new TypeError("A DateTime has to be a Date");
    const ms = value.getTime();
    if (ms !== lastWritten.ms) lastWritten = { ms, text: value.toISOString() };
    return lastWritten.text;
  },
  parseValue: parseDateTime,
  parseLiteral: (node) => {
    if (node.kind !== Kind.STRING) throw new GraphQLError("DateTime has to be a string", { nodes: node });
    return parseDateTime(node.value);
  },
});

function parseDateTime(value: unknown): Date {
  if (typeof value !== "string") throw new GraphQLError("DateTime has to be a string");
  const parts = pattern.exec(value);
  if (parts === null)
    throw new GraphQLError("DateTime has to be an ISO 8601 instant with Z or an offset, like 2027-03-01T09:30:00.000Z");
  const [, year, month, day, hour, minute, second, offsetHour = 0, offsetMinute = 0] = parts.map(Number);
  const isReal =
    isDay(year, month, day) && isTime(hour, minute, second) && isTime(orZero(offsetHour), orZero(offsetMinute), 0);
  const instant = new Date(value);
  if (!isReal || !(instant.getTime() >= earliestMs && instant.getTime() <= latestMs))
    throw new GraphQLError("DateTime has to be a real day and time in the years 0001 … 9999");
  return instant;
}

/** A part of the pattern that is not there has become NaN. */
function orZero(part: number): number {
  return Number.isNaN(part) ? 0 : part;
}

function isDay(year = 0, month = 0, day = 0): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isTime(hour = 24, minute = 60, second = 60): boolean {
  return hour < 24 && minute < 60 && second < 60;
}
