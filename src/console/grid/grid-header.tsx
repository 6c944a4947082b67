import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import type { ReactNode } from "react";
import type { Column } from "./columns.ts";

/** In pixels: rows are scrolled to below it. */
export const headerHeight = 40;

export interface GridHeaderProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly template: string;
}

/** The columns' names, which stay in view; those that the list can be ordered by are buttons. */
export function GridHeader<Row>({ columns, template }: GridHeaderProps<Row>): ReactNode {
  return (
    <Box role="rowgroup" sx={{ position: "sticky", top: 0, zIndex: 2 }}>
      <Box role="row" aria-rowindex={1} sx={headerSx} style={{ gridTemplateColumns: template }}>
        {columns.map(({ id, header, align = "start", order }) => (
          <Box
            key={id}
            role="columnheader"
            aria-sort={order?.isOn ? order.direction : undefined}
            sx={{ textAlign: align, minWidth: 0 }}
          >
            {order === undefined ? (
              header
            ) : (
              <ButtonBase onClick={order.turnOn} sx={buttonSx} data-on={order.isOn}>
                {header}
                <span aria-hidden="true">{order.isOn ? (order.direction === "ascending" ? " ↑" : " ↓") : ""}</span>
              </ButtonBase>
            )}
          </Box>
        ))}
      </Box>
    </Box>
  );
}

const headerSx = {
  display: "grid",
  alignItems: "center",
  columnGap: { xs: 1.5, md: 3 },
  height: headerHeight,
  px: 2,
  bgcolor: "background.paper",
  borderBottom: 1,
  borderColor: "divider",
  color: "text.secondary",
  fontSize: "0.78rem",
  fontWeight: 600,
} as const;

const buttonSx = {
  font: "inherit",
  color: "inherit",
  whiteSpace: "pre",
  borderRadius: 1,
  px: 0.5,
  mx: -0.5,
  "&:hover, &[data-on=true]": { color: "text.primary" },
  "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" },
} as const;
