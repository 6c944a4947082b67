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
      render: ({ text }) => <TwoLines first={text.productId} second={`${text.action} ${text.quantity}`} />,
    },
    {
      id: "quantity",
      header: "Quantity",
      track: "minmax(64px, 0.5fr)",
      align: "end",
      fromWidth: 480,
      render: ({ text, input }) => (input === null ? text.quantity : formatCount(input.quantity)),
    },
    {
      id: "why",
      header: "Reason and reference",
      track: "minmax(0, 1.2fr)",
      fromWidth: 760,
      render: ({ text }) => (
        <TwoLines first={[text.reason, text.reference].filter(Boolean).join(" · ")} second={text.note} />
      ),
    },
    {
      id: "status",
      header: "Outcome",
      track: "minmax(0, 1.6fr)",
      render: (line) => <StatusCell status={statusOf(run, line)} />,
    },
  ];
}

function StatusCell({ status: { kind, label, detail } }: { readonly status: LineStatus }): ReactNode {
  return (
    <Stack title={detail}>
      <Typography noWrap sx={{ color: colors[kind], fontSize: "inherit", fontWeight: 600, lineHeight: 1.3 }}>
        {label}
      </Typography>
      <Typography noWrap sx={{ fontSize: "0.8rem", color: "text.secondary", lineHeight: 1.3 }}>
        {detail}
      </Typography>
    </Stack>
  );
}

function TwoLines({ first, second }: { readonly first: string; readonly second: string }): ReactNode {
  return (
    <Stack title={`${first}\n${second}`}>
      <Typography noWrap sx={{ fontSize: "inherit", fontWeight: 550, lineHeight: 1.3 }}>
        {first}
      </Typography>
      <Typography noWrap sx={{ fontSize: "0.8rem", color: "text.secondary", lineHeight: 1.3 }}>
        {second}
      </Typography>
    </Stack>
  );
}
