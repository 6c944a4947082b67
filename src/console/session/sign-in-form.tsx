import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Stack from "@mui/material/Stack";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import type { FormEvent } from "react";
import { useSession } from "./session-context.ts";
import { TokenRefusedError } from "./token-request.ts";

export interface SignInFormProps {
  /** Whose secret is asked for; without it the id is asked for too. */
  readonly clientId?: string;
}

/** Asks for a client's id and secret, and signs in. */
export function SignInForm({ clientId: givenClientId }: SignInFormProps): React.ReactNode {
  const session = useSession();
  const [clientId, setClientId] = useState(givenClientId ?? "");
  const [secret, setSecret] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      await session.signIn(clientId.trim(), secret.trim());
    } catch (error) {
      if (!(error instanceof TokenRefusedError)) throw error;
      setProblem(error.message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Stack component="form" spacing={2} onSubmit={(event) => void submit(event)} aria-label="Sign in">
      <TextField
        label="Client id"
        value={clientId}
        onChange={(event) => setClientId(event.target.value)}
        autoComplete="username"
        autoFocus={givenClientId === undefined}
        required
        slotProps={{ htmlInput: { readOnly: givenClientId !== undefined, autoCapitalize: "none", spellCheck: false } }}
      />
      <TextField
        label="Client secret"
        type="password"
        value={secret}
        onChange={(event) => setSecret(event.target.value)}
        autoComplete="current-password"
        autoFocus={givenClientId !== undefined}
        required
      />
      {problem !== null && <Alert severity="error">{problem}</Alert>}
      <Button type="submit" variant="contained" size="large" loading={isBusy} loadingPosition="start">
        Sign in
      </Button>
    </Stack>
  );
}
