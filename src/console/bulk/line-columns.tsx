import Box from "@mui/material/Box";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { formatCount } from "../format.ts";
import type { Column } from "../grid/columns.ts";
import type { BulkRun } from "./bulk-run.ts";
import type { BulkLine } from "./lines.ts";
import { statusOf } from "./report.ts";
import type { LineStatus } from "./report.ts";

const colors: Readonly<Record<LineStatus["kind"], string>> = {
  invalid: "error.main",
  waiting: "text.secondary",
  done: "success.main",
  repeated: "info.main",
  refused: "error.main",
};

/** The columns of a file's preview, which is also its progress. */
export function lineColumns(run: BulkRun): Column<BulkLine>[] {
  return [
    {
      id: "number",
      header: "Line",
      track: "40px",
      align: "end",
      render: ({ number }) => <Box sx={{ color: "text.secondary" }}>{formatCount(number)}</Box>,
    },
    {
      id: "what",
      header: "Product",
      track: "minmax(0, 1.4fr)",
      render: ({ text: { productId, action, quantity } }) => (
        <Stack sx={{ overflowWrap: "anywhere" }}>
          <Line isFirst>{productId}</Line>
          <Line>
            {action}
            {/* A narrow window has no column for it. */}
            <Box component="span" sx={{ display: { sm: "none" } }}>{` ${quantity}`}</Box>
          </Line>
        </Stack>
      ),
    },
    {
      id: "quantity",
      header: "Quantity",
      track: "minmax(64px, 0.5fr)",
      align: "end",
      fromWidth: 540,
      render: ({ text, input }) => (input === null ? text.quantity : formatCount(input.quantity)),
    },
    {
      id: "why",
      header: "Reason and reference",
      track: "minmax(0, 1.2fr)",
      fromWidth: 760,
      render: ({ text }) => <WhyCell {...text} />,
    },
    {
      id: "status",
      header: "Outcome",
      track: "minmax(0, 1.6fr)",
      render: (line) => <StatusCell status={statusOf(run, line)} />,
    },
  ];
}

function WhyCell({ reason, reference, note }: BulkLine["text"]): ReactNode {
  const what = [reason, reference].filter(Boolean).join(" · ");
  return (
    <Stack title={[what, note].filter(Boolean).join("\n")}>
      <Typography noWrap sx={{ fontSize: "inherit", lineHeight: 1.3 }}>
        {what}
      </Typography>
      <Line noWrap>{note}</Line>
    </Stack>
  );
}

/** All of it, however narrow the window: it is what one has to know to put the line right. */
function StatusCell({ status: { kind, label, detail } }: { readonly status: LineStatus }): ReactNode {
  return (
    <Stack sx={{ overflowWrap: "anywhere" }}>
      <Line isFirst color={colors[kind]}>
        {label}
      </Line>
      <Line>{detail}</Line>
    </Stack>
  );
}

interface LineProps {
  readonly isFirst?: boolean;
  readonly color?: string;
  readonly noWrap?: boolean;
  readonly children: ReactNode;
}

/** The first line of a cell, or what is said below it. */
function Line({ isFirst = false, color, noWrap = false, children }: LineProps): ReactNode {
  const first = { fontSize: "inherit", fontWeight: 550, color: color ?? "text.primary" } as const;
  const other = { fontSize: "0.8rem", color: color ?? "text.secondary" } as const;
  return (
    <Typography component="div" noWrap={noWrap} sx={{ ...(isFirst ? first : other), lineHeight: 1.3 }}>
      {children}
    </Typography>
  );
}
