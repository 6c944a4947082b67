import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import type { Levels } from "../api/actions.ts";
import { formatCount } from "../format.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { LiveCount } from "../grid/live-count.tsx";
import { expectedLevels } from "./fields.ts";
import type { Fields } from "./fields.ts";

export interface LevelsPreviewProps {
  readonly fields: Fields;
  /** Undefined as long as nobody knows, null where the product is not tracked. */
  readonly stock: StockFieldsFragment | null | undefined;
}

/** What is there, and what will be, as things stand at this moment. */
export function LevelsPreview({ fields, stock }: LevelsPreviewProps): ReactNode {
  const now: Levels = stock ?? { available: 0, allocated: 0 };
  const after = stock === undefined ? null : expectedLevels(fields, now);
  return (
    <Paper
      variant="outlined"
      component="section"
      aria-label="Resulting levels"
      sx={{ p: 2, bgcolor: "background.default" }}
    >
      <Stack direction="row" spacing={4}>
        <Level label="Available" now={stock == null ? null : now.available} after={after?.available ?? null} />
        <Level label="Allocated" now={stock == null ? null : now.allocated} after={after?.allocated ?? null} />
      </Stack>
      <Typography variant="body2" role="status" sx={{ mt: 1, color: "text.secondary" }}>
        {adviceOf(fields, stock, after)}
      </Typography>
    </Paper>
  );
}

interface LevelProps {
  readonly label: string;
  readonly now: number | null;
  readonly after: number | null;
}

function Level({ label, now, after }: LevelProps): ReactNode {
  return (
    <Box>
      <Typography variant="body2" sx={{ color: "text.secondary" }}>
        {label}
      </Typography>
      <Typography component="p" sx={{ fontSize: "1.25rem", fontWeight: 650, fontVariantNumeric: "tabular-nums" }}>
        {now === null ? "–" : <LiveCount value={now} />}
        {after !== null && (
          <Box component="span" sx={{ color: after < 0 ? "error.main" : "primary.main" }}>
            {` → ${after < 0 ? `−${formatCount(-after)}` : formatCount(after)}`}
          </Box>
        )}
      </Typography>
    </Box>
  );
}

function adviceOf(fields: Fields, stock: StockFieldsFragment | null | undefined, after: Levels | null): string {
  if (stock === undefined)
    return fields.productId.trim() === "" ? "Name a product to see its levels." : "Its levels are not known yet.";
  const startsTracking = fields.action === "CREATE" || fields.action === "INCREMENT";
  if (stock === null) {
    return startsTracking
      ? "This product is not tracked yet: this starts it."
      : "This product is not tracked: it would be refused.";
  }
  if (fields.action === "CREATE") return "This product is tracked already: it would be refused.";
  if (after === null) return "Name a quantity to see what it leads to.";
  const missing = Math.max(-after.available, -after.allocated);
  return missing > 0 ? `${formatCount(missing)} missing: it would be refused as things stand.` : "As things stand now.";
}
