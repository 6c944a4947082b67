import type { ReactNode } from "react";

/** One column of a grid. */
export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  /** A track of CSS grid: "120px", "minmax(0, 2fr)". */
  readonly track: string;
  readonly align?: "start" | "end";
  /** The column is left out where the grid is narrower than this, in pixels. */
  readonly fromWidth?: number;
  readonly render: (row: Row) => ReactNode;
  /** What the list is ordered by, where a click on the header does that. */
  readonly order?:
    | { readonly direction: "ascending" | "descending"; readonly isOn: boolean; readonly turnOn: () => void }
    | undefined;
}

/** Those that have room. */
export function columnsThatFit<Row>(columns: readonly Column<Row>[], width: number): readonly Column<Row>[] {
  return columns.filter(({ fromWidth = 0 }) => fromWidth <= width);
}
