import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { headerHeight } from "./grid-header.tsx";
import type { Column } from "./columns.ts";

export interface GridRowProps<Row> {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly Column<Row>[];
  readonly template: string;
  /** Pixels from the first row, and its own. */
  readonly start: number;
  readonly height: number;
  /** Given where the row may be higher than that: learns how high it is. */
  readonly measure?: ((element: HTMLElement | null) => void) | undefined;
  readonly isActive: boolean;
  readonly onActive: (index: number) => void;
  readonly onOpen?: ((row: Row) => void) | undefined;
}

/** One row, at its place in the list. */
export function GridRow<Row>(props: GridRowProps<Row>): ReactNode {
  const { row, index, columns, template, start, height, measure, isActive, onActive, onOpen } = props;
  return (
    <Box
      ref={measure}
      role="row"
      aria-rowindex={index + 2}
      data-row={index}
      tabIndex={isActive ? 0 : -1}
      onFocus={() => onActive(index)}
      onClick={onOpen && (() => onOpen(row))}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) onOpen?.(row);
      }}
      sx={rowSx}
      data-opens={onOpen !== undefined}
      data-grows={measure !== undefined}
      style={{
        transform: `translateY(${start}px)`,
        [measure === undefined ? "height" : "minHeight"]: height,
        gridTemplateColumns: template,
      }}
    >
      {columns.map(({ id, align = "start", render }) => (
        <Box key={id} role="gridcell" sx={{ textAlign: align, minWidth: 0 }}>
          {render(row)}
        </Box>
      ))}
    </Box>
  );
}

const rowSx = {
  position: "absolute",
  insetInline: 0,
  top: 0,
  display: "grid",
  alignItems: "center",
  columnGap: { xs: 1.5, md: 3 },
  px: 2,
  scrollMarginTop: `${headerHeight}px`,
  borderBottom: 1,
  borderColor: "divider",
  fontSize: "0.9rem",
  "&[data-opens=true]": { cursor: "pointer" },
  "&[data-grows=true]": { py: 1 },
  "&:hover": { bgcolor: "action.hover" },
  "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main", outlineOffset: "-2px", zIndex: 1 },
} as const;
