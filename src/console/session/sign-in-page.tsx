import Box from "@mui/material/Box";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Stack from "@mui/material/Stack";
import Typography from "@mui/material/Typography";
import { Brand } from "../layout/brand.tsx";
import { SignInForm } from "./sign-in-form.tsx";

/** What a stranger sees. */
export function SignInPage(): React.ReactNode {
  return (
    <Box component="main" sx={{ minHeight: "100%", display: "grid", placeItems: "center", p: 2 }}>
      <Paper variant="outlined" sx={{ width: "100%", maxWidth: 400, p: { xs: 3, sm: 4 } }}>
        <Stack spacing={3}>
          <Brand />
          <Stack spacing={0.5}>
            <Typography variant="h1">Sign in</Typography>
            <Typography sx={{ color: "text.secondary" }}>With the id and the secret of an API client.</Typography>
          </Stack>
          <SignInForm />
          <Typography variant="body2" sx={{ color: "text.secondary" }}>
            The gateway prints its first client when it starts for the first time; <code>npm run client -- add</code>{" "}
            makes more. The secret stays in this page's memory, the access token in this tab.{" "}
            <Link href="/">What else is here</Link>
          </Typography>
        </Stack>
      </Paper>
    </Box>
  );
}
