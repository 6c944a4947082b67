import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { formatAge, formatTime } from "../format.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { LiveCount } from "../grid/live-count.tsx";
import { useNow } from "../now.ts";

/** What is there now. @param stock undefined while it is on its way */
export function LevelCards({ stock }: { readonly stock: StockFieldsFragment | undefined }): ReactNode {
  const now = useNow();
  return (
    <Box component="section" aria-label="Levels" sx={cardsSx}>
      <LevelCard label="Available" value={stock?.available} accent="primary.main" />
      <LevelCard label="Allocated" value={stock?.allocated} accent="secondary.main" />
      <LevelCard label="Total" value={stock?.total} accent="text.secondary" />
      <Paper variant="outlined" sx={cardSx}>
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          Last change
        </Typography>
        {stock === undefined ? (
          <Skeleton width={90} />
        ) : (
          <Box component="time" dateTime={stock.updatedAt} title={formatTime(stock.updatedAt)} sx={{ fontWeight: 600 }}>
            {formatAge(stock.updatedAt, now)}
          </Box>
        )}
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          {stock === undefined ? "\u00a0" : `Version ${stock.version}`}
        </Typography>
      </Paper>
    </Box>
  );
}

interface LevelCardProps {
  readonly label: string;
  readonly value: number | undefined;
  readonly accent: string;
}

function LevelCard({ label, value, accent }: LevelCardProps): ReactNode {
  return (
    <Paper variant="outlined" sx={{ ...cardSx, borderTop: 3, borderTopColor: accent }}>
      <Typography variant="body2" sx={{ color: "text.secondary" }}>
        {label}
      </Typography>
      <Typography component="p" sx={{ fontSize: { xs: "1.4rem", sm: "1.8rem" }, fontWeight: 700, lineHeight: 1.3 }}>
        {value === undefined ? <Skeleton width={70} /> : <LiveCount value={value} />}
      </Typography>
    </Paper>
  );
}

const cardsSx = {
  display: "grid",
  gap: { xs: 1, sm: 2 },
  gridTemplateColumns: { xs: "repeat(2, 1fr)", sm: "repeat(4, 1fr)" },
} as const;

const cardSx = { px: 2, py: 1.5, minWidth: 0 } as const;
