import { LineChart } from "@mui/x-charts/LineChart";
import { useTheme } from "@mui/material/styles";
import { useMemo } from "react";
import type { ReactNode } from "react";
import { formatCount, formatTime } from "../format.ts";
import type { StockTransactionFieldsFragment } from "../generated/operations.ts";

export interface LevelsChartProps {
  /** Newest first. */
  readonly rows: readonly StockTransactionFieldsFragment[];
  /** Where the last level ends. */
  readonly now: number;
}

/** Available and allocated as steps: between two stock transactions nothing changes, nor from the last one until now. */
export default function LevelsChart({ rows, now }: LevelsChartProps): ReactNode {
  const { vars, palette } = useTheme();
  const dataset = useMemo(() => toPoints(rows, now), [rows, now]);
  const colors = (vars ?? { palette }).palette;
  return (
    <LineChart
      height={250}
      dataset={[...dataset]}
      margin={{ top: 8, right: 16, bottom: 0, left: 0 }}
      grid={{ horizontal: true }}
      skipAnimation
      xAxis={[
        {
          dataKey: "at",
          scaleType: "time",
          valueFormatter: (at: Date, { location }) =>
            location === "tick" ? tickText(at, dataset) : formatTime(at.getTime()),
          tickNumber: 5,
        },
      ]}
      yAxis={[
        {
          min: 0,
          width: "auto",
          valueFormatter: (value: number) => (Number.isInteger(value) ? formatCount(value) : ""),
        },
      ]}
      series={[
        line("available", "Available", colors.primary.main),
        line("allocated", "Allocated", colors.secondary.main),
      ]}
    />
  );
}

interface Point {
  readonly [name: string]: number | Date;
  readonly at: Date;
  readonly available: number;
  readonly allocated: number;
}

function toPoints(rows: readonly StockTransactionFieldsFragment[], now: number): readonly Point[] {
  const points = rows.map(toPoint).toReversed();
  const last = points.at(-1);
  // The gateway's clock may be ahead of this one's.
  return last === undefined ? [] : [...points, { ...last, at: new Date(Math.max(now, last.at.getTime() + 1_000)) }];
}

function toPoint({ createdAt, availableAfter, allocatedAfter }: StockTransactionFieldsFragment): Point {
  return { at: new Date(createdAt), available: availableAfter, allocated: allocatedAfter };
}

function line(dataKey: string, label: string, color: string) {
  return {
    dataKey,
    label,
    color,
    curve: "stepAfter" as const,
    showMark: false,
    valueFormatter: (value: number | null) => (value === null ? "" : formatCount(value)),
  };
}

const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** As fine as the span of the chart asks for. */
function tickText(at: Date, dataset: readonly Point[]): string {
  const spanMs = (dataset.at(-1)?.at.getTime() ?? 0) - (dataset[0]?.at.getTime() ?? 0);
  if (spanMs > 3 * 86_400_000) return days.format(at);
  return (spanMs > 600_000 ? hours : seconds).format(at);
}
