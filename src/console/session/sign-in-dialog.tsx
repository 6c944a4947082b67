import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import { useSession } from "./session-context.ts";
import type { SessionState } from "./session.ts";
import { SignInForm } from "./sign-in-form.tsx";

const reasons = {
  expired: "Your access token has run out.",
  refused: "The gateway does not take your access token any more: the client may have been revoked.",
} as const;

/** Asks for the secret again above the page, which stays as it was, with whatever was typed into it. */
export function SignInDialog({ state }: { readonly state: SessionState }): React.ReactNode {
  const session = useSession();
  if (state.kind !== "ended") return null;
  return (
    <Dialog open fullWidth maxWidth="xs" aria-labelledby="sign-in-again">
      <DialogTitle id="sign-in-again">Sign in again</DialogTitle>
      <DialogContent>
        <DialogContentText sx={{ mb: 2.5 }}>
          {reasons[state.reason]} Nothing that you have typed is lost; requests that wait go on when you have signed in.
        </DialogContentText>
        <SignInForm clientId={state.clientId} />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2, pt: 0 }}>
        <Button color="inherit" onClick={() => session.signOut()}>
          Use another client
        </Button>
      </DialogActions>
    </Dialog>
  );
}
