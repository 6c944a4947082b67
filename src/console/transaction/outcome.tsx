import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import type { ReactNode } from "react";
import { actionRules } from "../api/actions.ts";
import { formatCount } from "../format.ts";
import type { StockTransactionFieldsFragment } from "../generated/operations.ts";
import type { Progress } from "./use-transaction.ts";

/** What became of it, in words. */
export function Outcome({ progress }: { readonly progress: Progress }): ReactNode {
  switch (progress.kind) {
    case "editing":
      return null;
    case "sending":
      if (progress.retry === null) return null;
      return (
        <Alert severity="info">
          <AlertTitle>{progress.retry.failure.message}</AlertTitle>
          Sending again with the same key, attempt {progress.retry.attempt}. However often it is sent, it is done once.
        </Alert>
      );
    case "unknown":
      return (
        <Alert severity="warning">
          <AlertTitle>{progress.message}</AlertTitle>
          Send it again with the same key: if it was done, it is not done a second time, and you learn how it ended.
        </Alert>
      );
    case "lost":
      return (
        <Alert severity="warning">
          <AlertTitle>It was sent as “{progress.clientId}”, and nobody knows whether it was done.</AlertTitle>
          Look at the product's history before you send it again: your keys are not those of that client.
        </Alert>
      );
    case "refused":
      return (
        <Alert severity="error">
          <AlertTitle>Refused</AlertTitle>
          {progress.message}
        </Alert>
      );
    case "done":
      return (
        <Alert severity="success">
          <AlertTitle>Done</AlertTitle>
          {doneText(progress.stockTransaction)}
          {progress.attempts > 1 &&
            ` The connection was lost on the way: it was sent ${progress.attempts} times with the same key, and done once.`}
        </Alert>
      );
  }
}

function doneText(stockTransaction: StockTransactionFieldsFragment): string {
  const { action, quantity, productId, availableAfter, allocatedAfter } = stockTransaction;
  return (
    `${actionRules[action].label}: ${formatCount(quantity)} of “${productId}”. ` +
    `Now ${formatCount(availableAfter)} available and ${formatCount(allocatedAfter)} allocated.`
  );
}
