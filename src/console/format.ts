const counts = new Intl.NumberFormat("en", { useGrouping: true });
const times = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** "12 400": with narrow spaces, which no language reads as a decimal mark. */
export function formatCount(count: number): string {
  return counts.format(count).replaceAll(",", "\u202f");
}

/** "+5", "−3". */
export function formatChange(change: number): string {
  return `${change < 0 ? "−" : "+"}${formatCount(Math.abs(change))}`;
}

/** In this browser's time zone, to the second. */
export function formatTime(instant: string | number): string {
  return times.format(new Date(instant));
}

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** "3 min. ago". */
export function formatAge(instant: string, now: number): string {
  const ageMs = Math.max(0, now - Date.parse(instant));
  for (const [unit, ms] of steps) if (ageMs >= ms) return relative.format(-Math.floor(ageMs / ms), unit);
  return "just now";
}
