import Box from "@mui/material/Box";
import { keyframes } from "@mui/material/styles";
import { useState } from "react";
import type { ReactNode } from "react";
import { formatCount } from "../format.ts";

const flash = keyframes`
  from { background-color: var(--flash); }
  to { background-color: transparent; }
`;

/** A count that lights up when it changes: green when it grew, red when it fell. */
export function LiveCount({ value }: { readonly value: number }): ReactNode {
  const [shown, setShown] = useState({ value, change: 0, times: 0 });
  if (shown.value !== value) setShown({ value, change: value - shown.value, times: shown.times + 1 });
  return (
    // A new key starts the animation again.
    <Box component="span" key={shown.times} sx={countSx} data-change={Math.sign(shown.change) || undefined}>
      {formatCount(value)}
    </Box>
  );
}

const countSx = {
  fontVariantNumeric: "tabular-nums",
  borderRadius: 1,
  px: 0.75,
  py: 0.25,
  mx: -0.75,
  "&[data-change]": { animation: `${flash} 1.6s ease-out` },
  "&[data-change='1']": { "--flash": "color-mix(in srgb, var(--mui-palette-success-main) 45%, transparent)" },
  "&[data-change='-1']": { "--flash": "color-mix(in srgb, var(--mui-palette-error-main) 45%, transparent)" },
  "@media (prefers-reduced-motion: reduce)": { "&[data-change]": { animationTimingFunction: "step-end" } },
} as const;
