import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { formatAge, formatTime } from "../format.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { StockOrder } from "../generated/operations.ts";
import type { Column } from "../grid/columns.ts";
import { LiveCount } from "../grid/live-count.tsx";
import type { ListSettingsHandle } from "./list-settings.ts";

/** The list's columns. @param now what ages are counted from */
export function stockColumns({ settings, change }: ListSettingsHandle, now: number): Column<StockFieldsFragment>[] {
  const order = (value: StockOrder, direction: "ascending" | "descending"): Column<StockFieldsFragment>["order"] => ({
    direction,
    isOn: settings.order === value,
    turnOn: () => change({ order: value }),
  });
  return [
    {
      id: "productId",
      header: "Product",
      track: "minmax(0, 2fr)",
      order: order(StockOrder.ProductId, "ascending"),
      render: ({ productId }) => (
        <Typography noWrap title={productId} sx={{ fontWeight: 550, fontSize: "inherit" }}>
          {productId}
        </Typography>
      ),
    },
    {
      id: "available",
      header: "Available",
      track: "minmax(76px, 1fr)",
      align: "end",
      order: order(StockOrder.Available, "ascending"),
      render: ({ available }) => (
        <Box component="span" sx={{ fontWeight: 600, color: available === 0 ? "error.main" : "text.primary" }}>
          <LiveCount value={available} />
        </Box>
      ),
    },
    {
      id: "allocated",
      header: "Allocated",
      track: "minmax(76px, 1fr)",
      align: "end",
      render: ({ allocated }) => (
        <Box component="span" sx={{ color: allocated === 0 ? "text.secondary" : "text.primary" }}>
          <LiveCount value={allocated} />
        </Box>
      ),
    },
    {
      id: "total",
      header: "Total",
      track: "minmax(76px, 1fr)",
      align: "end",
      fromWidth: 640,
      render: ({ total }) => <LiveCount value={total} />,
    },
    {
      id: "updatedAt",
      header: "Last change",
      track: "minmax(100px, 1fr)",
      align: "end",
      fromWidth: 820,
      order: order(StockOrder.UpdatedAtDesc, "descending"),
      render: ({ updatedAt }) => (
        <Box component="time" dateTime={updatedAt} title={formatTime(updatedAt)} sx={{ color: "text.secondary" }}>
          {formatAge(updatedAt, now)}
        </Box>
      ),
    },
  ];
}
