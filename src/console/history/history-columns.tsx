import Box from "@mui/material/Box";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { actionRules, reasonLabel } from "../api/actions.ts";
import { formatAge, formatChange, formatCount, formatTime } from "../format.ts";
import type { StockTransactionFieldsFragment } from "../generated/operations.ts";
import type { Column } from "../grid/columns.ts";

/** A history's columns. @param now what ages are counted from */
export function historyColumns(now: number, showsProduct: boolean): Column<StockTransactionFieldsFragment>[] {
  return [
    {
      id: "what",
      header: showsProduct ? "Product" : "Action",
      track: "minmax(0, 2fr)",
      render: (row) => <WhatCell {...{ row, showsProduct, now }} />,
    },
    {
      id: "change",
      header: "Change",
      track: "minmax(64px, 0.8fr)",
      align: "end",
      render: ({ action, quantity }) => <ChangeCell sign={changeOf(action)} quantity={quantity} />,
    },
    {
      id: "available",
      header: "Available",
      track: "minmax(70px, 0.8fr)",
      align: "end",
      render: ({ availableAfter }) => formatCount(availableAfter),
    },
    {
      id: "allocated",
      header: "Allocated",
      track: "minmax(70px, 0.8fr)",
      align: "end",
      fromWidth: 480,
      render: ({ allocatedAfter }) => formatCount(allocatedAfter),
    },
    {
      id: "why",
      header: "Reason and reference",
      track: "minmax(0, 1.8fr)",
      fromWidth: 760,
      render: WhyCell,
    },
    {
      id: "actor",
      header: "Done by",
      track: "minmax(0, 1.2fr)",
      fromWidth: 900,
      render: ({ actor }) => (
        <Typography noWrap title={actor} sx={{ fontSize: "inherit", color: "text.secondary" }}>
          {actor}
        </Typography>
      ),
    },
    {
      id: "createdAt",
      header: "When",
      track: "minmax(96px, 0.9fr)",
      align: "end",
      fromWidth: 620,
      render: ({ createdAt }) => (
        <Box component="time" dateTime={createdAt} title={formatTime(createdAt)} sx={{ color: "text.secondary" }}>
          {formatAge(createdAt, now)}
        </Box>
      ),
    },
  ];
}

function changeOf(action: StockTransactionFieldsFragment["action"]): number {
  return actionRules[action].available;
}

interface WhatCellProps {
  readonly row: StockTransactionFieldsFragment;
  readonly showsProduct: boolean;
  readonly now: number;
}

/** A narrow list has no columns for when and why: what fits of them stands below. */
function WhatCell({ row, showsProduct, now }: WhatCellProps): ReactNode {
  const label = actionRules[row.action].label;
  const first = showsProduct ? row.productId : label;
  const age = formatAge(row.createdAt, now);
  const more = showsProduct || row.reference === null ? age : `${age} · ${row.reference}`;
  return (
    <Stack>
      <Typography noWrap title={first} sx={{ fontSize: "inherit", fontWeight: 550, lineHeight: 1.3 }}>
        {first}
      </Typography>
      <Typography component="div" noWrap sx={{ fontSize: "0.8rem", color: "text.secondary", lineHeight: 1.3 }}>
        {showsProduct && label}
        <Box component="span" sx={{ display: { sm: "none" } }}>
          {showsProduct && " · "}
          {more}
        </Box>
      </Typography>
    </Stack>
  );
}

function ChangeCell({ sign, quantity }: { readonly sign: number; readonly quantity: number }): ReactNode {
  return (
    <Box component="span" sx={{ fontWeight: 600, color: sign < 0 ? "error.main" : "success.main" }}>
      {formatChange(sign * quantity)}
    </Box>
  );
}

function WhyCell({ reason, reference, note }: StockTransactionFieldsFragment): ReactNode {
  const what = [reason === null ? null : reasonLabel(reason), reference].filter((text) => text !== null).join(" · ");
  return (
    <Stack title={[what, note].filter(Boolean).join("\n")}>
      <Typography noWrap sx={{ fontSize: "inherit", lineHeight: 1.3 }}>
        {what}
      </Typography>
      <Typography noWrap sx={{ fontSize: "0.8rem", color: "text.secondary", lineHeight: 1.3 }}>
        {note}
      </Typography>
    </Stack>
  );
}
