import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useState } from "react";
import type { ReactNode } from "react";
import { useSessionState } from "../session/session-context.ts";
import { SignInForm } from "../session/sign-in-form.tsx";

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

/** After a reload nobody but the person has the secret: asks for it in time, and doesn't insist. */
export function EndsSoonBanner(): ReactNode {
  const state = useSessionState();
  const [isAsking, setAsking] = useState(false);
  if (state.kind !== "in" || !state.endsSoon) return null;
  return (
    <>
      <Alert
        severity="warning"
        square
        action={
          <Button color="inherit" onClick={() => setAsking(true)}>
            Stay signed in
          </Button>
        }
      >
        You are signed in until {clock.format(state.expiresAt)}.
      </Alert>
      <Dialog open={isAsking} onClose={() => setAsking(false)} fullWidth maxWidth="xs" aria-labelledby="stay-signed-in">
        <DialogTitle id="stay-signed-in">Stay signed in</DialogTitle>
        <DialogContent sx={{ "&&": { pt: 1 } }}>
          <SignInForm clientId={state.clientId} />
        </DialogContent>
      </Dialog>
    </>
  );
}
