import AppBar from "@mui/material/AppBar";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Link from "@mui/material/Link";
import Stack from "@mui/material/Stack";
import type { ReactNode } from "react";
import { Link as RouterLink, useLocation } from "wouter";
import { BulkIcon, HistoryIcon, StockIcon } from "../icons.tsx";
import { Brand } from "./brand.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { LiveStatus } from "./live-status.tsx";
import { EndsSoonBanner } from "./ends-soon-banner.tsx";

const places = [
  { path: "/", label: "Stock", icon: <StockIcon /> },
  { path: "/activity", label: "Activity", icon: <HistoryIcon /> },
  { path: "/bulk", label: "Bulk", icon: <BulkIcon /> },
] as const;

/** What is around every page: where one can go, who is signed in. */
export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Box sx={{ height: "100%", display: "flex", flexDirection: "column" }}>
      <Link href="#content" sx={skipSx}>
        Skip to the content
      </Link>
      <AppBar position="static" color="inherit" elevation={0} sx={barSx}>
        <Stack
          direction="row"
          spacing={{ xs: 0.5, sm: 2 }}
          sx={{ alignItems: "center", px: { xs: 1, sm: 2 }, height: 56 }}
        >
          <Brand isCompact />
          <Navigation />
          <Box sx={{ flex: 1 }} />
          <LiveStatus />
          <AccountMenu />
        </Stack>
      </AppBar>
      <EndsSoonBanner />
      <Box component="main" id="content" tabIndex={-1} sx={mainSx}>
        {children}
      </Box>
    </Box>
  );
}

function Navigation(): ReactNode {
  const [location] = useLocation();
  return (
    <Stack component="nav" aria-label="Console" direction="row" spacing={0.5}>
      {places.map(({ path, label, icon }) => {
        const isHere = path === "/" ? location === "/" || location.startsWith("/product") : location.startsWith(path);
        return (
          <Button
            key={path}
            component={RouterLink}
            href={path}
            color={isHere ? "primary" : "inherit"}
            startIcon={icon}
            aria-current={isHere ? "page" : undefined}
            sx={{
              px: { xs: 1, sm: 1.5 },
              minWidth: 0,
              "& .MuiButton-startIcon": { display: { xs: "none", sm: "inherit" } },
            }}
          >
            {label}
          </Button>
        );
      })}
    </Stack>
  );
}

const barSx = { borderBottom: 1, borderColor: "divider", bgcolor: "background.paper" } as const;

const mainSx = {
  flex: 1,
  minHeight: 0,
  overflow: "auto",
  outline: "none",
  display: "flex",
  flexDirection: "column",
} as const;

const skipSx = {
  position: "absolute",
  left: 8,
  top: -60,
  zIndex: 2_000,
  p: 1,
  borderRadius: 1,
  bgcolor: "background.paper",
  "&:focus": { top: 8 },
} as const;
