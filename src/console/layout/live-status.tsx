import { useReactiveVar } from "@apollo/client/react";
import Box from "@mui/material/Box";
import Stack from "@mui/material/Stack";
import type { ReactNode } from "react";
import { useFeed } from "../api/feed-context.ts";
import type { FeedState } from "../api/feed.ts";

const texts: Readonly<Record<FeedState, string>> = {
  connecting: "Connecting",
  live: "Live",
  away: "Reconnecting",
};

const colors: Readonly<Record<FeedState, string>> = {
  connecting: "text.secondary",
  live: "success.main",
  away: "warning.main",
};

/** Whether what is shown is kept up to date at this moment. */
export function LiveStatus(): ReactNode {
  const state = useReactiveVar(useFeed().state);
  return (
    <Stack direction="row" spacing={0.75} role="status" sx={{ alignItems: "center", fontSize: "0.85rem", px: 0.5 }}>
      <Box sx={{ width: 9, height: 9, borderRadius: "50%", bgcolor: colors[state] }} />
      <Box component="span" sx={{ color: "text.secondary" }}>
        {texts[state]}
      </Box>
    </Stack>
  );
}
