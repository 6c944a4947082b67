import Box from "@mui/material/Box";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { StockIcon } from "../icons.tsx";

export interface BrandProps {
  /** Only the mark where there is little room. */
  readonly isCompact?: boolean;
}

/** The mark and the name. */
export function Brand({ isCompact = false }: BrandProps): React.ReactNode {
  return (
    <Stack direction="row" spacing={1.25} sx={{ alignItems: "center" }}>
      <Box
        sx={{
          display: "grid",
          placeItems: "center",
          width: 34,
          height: 34,
          borderRadius: "9px",
          bgcolor: "primary.main",
          color: "primary.contrastText",
        }}
      >
        <StockIcon fontSize="small" />
      </Box>
      <Typography
        component="span"
        sx={{ fontWeight: 700, letterSpacing: "-0.01em", display: isCompact ? { xs: "none", md: "block" } : "block" }}
      >
        inventory-gateway
      </Typography>
    </Stack>
  );
}
