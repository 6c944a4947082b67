import { useQuery } from "@apollo/client/react";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Stack from "@mui/material/Stack";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useDeferredValue, useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { checkProductId } from "../api/input-rules.ts";
import { StockDocument } from "../generated/operations.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { checkFields, isSound } from "./fields.ts";
import { LevelsPreview } from "./levels-preview.tsx";
import { Outcome } from "./outcome.tsx";
import { TransactionFields } from "./transaction-fields.tsx";
import type { TransactionHandle } from "./use-transaction.ts";

export interface TransactionDialogProps {
  readonly handle: TransactionHandle;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** The form that makes one stock transaction. */
export function TransactionDialog({ handle, isOpen, onClose }: TransactionDialogProps): ReactNode {
  const { fields, progress, send } = handle;
  const [shows, setShowsProblems] = useState(false);
  const isNarrow = useMediaQuery("(max-width:600px)");
  const problems = checkFields(fields);
  const stock = useLevels(fields.productId.trim(), isOpen);
  // While nobody knows what became of it, only the same thing may be sent.
  const isLocked = progress.kind === "sending" || progress.kind === "unknown";
  const isDone = progress.kind === "done";

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setShowsProblems(true);
    if (isSound(problems)) void send();
  };
  const startAgain = (): void => {
    setShowsProblems(false);
    handle.reset({ productId: fields.productId });
  };

  return (
    <Dialog
      open={isOpen}
      onClose={onMeantClick(onClose)}
      fullWidth
      maxWidth="sm"
      fullScreen={isNarrow}
      aria-labelledby="move-stock"
    >
      <Stack component="form" onSubmit={submit} noValidate sx={{ minHeight: 0, flex: 1 }}>
        <DialogTitle id="move-stock">Move stock</DialogTitle>
        <DialogContent sx={{ display: "flex", flexDirection: "column", gap: 2, "&&": { pt: 1 } }}>
          {!isDone && <TransactionFields {...{ handle, isLocked }} problems={shows ? problems : null} />}
          {!isDone && <LevelsPreview fields={fields} stock={stock} />}
        </DialogContent>
        {/* In view wherever the form is scrolled to. */}
        <Box sx={{ px: 3, pt: 1, pb: progress.kind === "editing" ? 0 : 1 }}>
          <Outcome progress={progress} />
        </Box>
        <DialogActions sx={{ px: 3, pb: 2 }}>
          <Button color="inherit" onClick={onClose}>
            Close
          </Button>
          {progress.kind === "unknown" && (
            <Button color="inherit" onClick={startAgain}>
              Give up
            </Button>
          )}
          {/* Two buttons, not one that changes: what had the focus is gone by then, and the next one takes it. */}
          {isDone ? (
            <Button key="next" variant="contained" onClick={onMeantClick(startAgain)} autoFocus>
              Next one
            </Button>
          ) : (
            <Button
              key="send"
              type="submit"
              variant="contained"
              loading={progress.kind === "sending"}
              loadingPosition="start"
            >
              {progress.kind === "unknown" ? "Send again with the same key" : "Send"}
            </Button>
          )}
        </DialogActions>
      </Stack>
    </Dialog>
  );
}

/** Leaves out the second click of a double click on Send, which meets what its answer has put there. */
function onMeantClick(act: () => void): (event: object) => void {
  return (event) => {
    if (!("detail" in event) || Number(event.detail) < 2) act();
  };
}

/** What is there now: undefined as long as nobody knows, null where the product is not tracked. */
function useLevels(productId: string, isOpen: boolean): StockFieldsFragment | null | undefined {
  const settled = useDeferredValue(productId);
  const { data } = useQuery(StockDocument, {
    variables: { productId: settled },
    skip: !isOpen || checkProductId(settled) !== null,
    fetchPolicy: "cache-and-network",
    nextFetchPolicy: "cache-first",
  });
  // What was there of the product named before says nothing of this one.
  return settled === productId ? data?.stock : undefined;
}
