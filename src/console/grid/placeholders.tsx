import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import LinearProgress from "@mui/material/LinearProgress";
import Skeleton from "@mui/material/Skeleton";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { AlertIcon } from "../icons.tsx";

/** Rows that are on their way. */
export function LoadingRows({ count = 8 }: { readonly count?: number }): ReactNode {
  return (
    <Box role="row">
      <Box role="gridcell" aria-busy="true" aria-label="Loading" sx={{ px: 2 }}>
        {Array.from({ length: count }, (_, index) => (
          <Stack key={index} direction="row" spacing={3} sx={{ height: 52, alignItems: "center" }}>
            <Skeleton sx={{ flex: 3 }} />
            <Skeleton sx={{ flex: 1 }} />
            <Skeleton sx={{ flex: 1 }} />
          </Stack>
        ))}
      </Box>
    </Box>
  );
}

export interface NoticeProps {
  readonly icon?: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** Says in the middle of an empty place why it is empty, and what can be done. */
export function Notice({ icon, title, children, action }: NoticeProps): ReactNode {
  return (
    <Stack spacing={1.5} sx={{ alignItems: "center", textAlign: "center", px: 3, py: 7 }}>
      <Box sx={{ color: "text.secondary", "& svg": { fontSize: 40 } }}>{icon}</Box>
      <Typography variant="h2" component="p">
        {title}
      </Typography>
      {children !== undefined && (
        <Typography component="div" sx={{ color: "text.secondary", maxWidth: 440 }}>
          {children}
        </Typography>
      )}
      {action}
    </Stack>
  );
}

/** A notice in place of a grid's rows. */
export function GridNotice(props: NoticeProps): ReactNode {
  return (
    <Box role="row">
      <Box role="gridcell">
        <Notice {...props} />
      </Box>
    </Box>
  );
}

/** A list that could not be had. */
export function GridProblem({
  message,
  onRetry,
}: {
  readonly message: string;
  readonly onRetry: () => void;
}): ReactNode {
  return (
    <GridNotice
      icon={<AlertIcon />}
      title="The list could not be loaded"
      action={
        <Button variant="outlined" onClick={onRetry}>
          Try again
        </Button>
      }
    >
      <span role="alert">{message}</span>
    </GridNotice>
  );
}

export interface MoreRowsProps {
  readonly isLoading: boolean;
  /** Why the next page did not come. */
  readonly problem: string | null;
  readonly onRetry: () => void;
}

/** The end of a list that goes on. */
export function MoreRows({ isLoading, problem, onRetry }: MoreRowsProps): ReactNode {
  if (problem !== null) {
    return (
      <Stack direction="row" spacing={2} role="alert" sx={{ alignItems: "center", justifyContent: "center", p: 1.5 }}>
        <span>{problem}</span>
        <Button onClick={onRetry}>Try again</Button>
      </Stack>
    );
  }
  return isLoading ? <LinearProgress aria-label="Loading more" /> : null;
}
