import Box from "@mui/material/Box";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { useEffect } from "react";
import type { ReactNode } from "react";

export interface PageProps {
  readonly title: string;
  /** Before the title: the way back. */
  readonly before?: ReactNode;
  /** Beside the title. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** The page is as high as the window, and its list scrolls; else the page does. */
  readonly fillsWindow?: boolean;
}

/** A page's frame: its title, also the window's, and what can be done. */
export function Page({ title, before, actions, children, fillsWindow = false }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · inventory-gateway`;
  }, [title]);
  return (
    <Box sx={{ ...pageSx, ...(fillsWindow ? { flex: 1, minHeight: 420 } : {}) }}>
      <Stack direction="row" useFlexGap sx={{ alignItems: "center", flexWrap: "wrap", gap: 1, minHeight: 38 }}>
        {before}
        <Typography variant="h1" sx={{ ...titleSx, flex: before === undefined ? "1 1 auto" : "1 1 200px" }}>
          {title}
        </Typography>
        {actions}
      </Stack>
      {children}
    </Box>
  );
}

/** However long: what it names may be a product id. */
const titleSx = { minWidth: 0, overflowWrap: "anywhere" } as const;

const pageSx = {
  width: "100%",
  maxWidth: 1_200,
  mx: "auto",
  px: { xs: 1.5, sm: 3 },
  py: { xs: 1.5, sm: 2.5 },
  boxSizing: "border-box",
  display: "flex",
  flexDirection: "column",
  gap: 2,
} as const;
