import Divider from "@mui/material/Divider";
import IconButton from "@mui/material/IconButton";
import Avatar from "@mui/material/Avatar";
import ListItemIcon from "@mui/material/ListItemIcon";
import ListItemText from "@mui/material/ListItemText";
import ListSubheader from "@mui/material/ListSubheader";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useColorScheme } from "@mui/material/styles";
import { useState } from "react";
import type { ReactNode } from "react";
import { GraphqlIcon, SignOutIcon, ThemeIcon } from "../icons.tsx";
import { writeDraft } from "../transaction/draft.ts";
import { useSession, useSessionState } from "../session/session-context.ts";

const modes = ["system", "light", "dark"] as const;
const modeLabels = { system: "as the system", light: "light", dark: "dark" } as const;

/** Who is signed in, and what concerns him: colours, GraphiQL, signing out. */
export function AccountMenu(): ReactNode {
  const session = useSession();
  const state = useSessionState();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const { mode = "system", setMode } = useColorScheme();
  const clientId = state.kind === "out" ? "" : state.clientId;
  const nextMode = modes[(modes.indexOf(mode) + 1) % modes.length] ?? "system";
  const signOut = (): void => {
    // What was typed is not for the next one at the same screen.
    writeDraft(null);
    session.signOut();
  };
  return (
    <>
      <IconButton
        onClick={(event) => setAnchor(event.currentTarget)}
        aria-label={`Account of ${clientId}`}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        size="small"
      >
        <Avatar sx={{ width: 32, height: 32, fontSize: 15, bgcolor: "primary.main", color: "primary.contrastText" }}>
          {clientId.charAt(0).toUpperCase()}
        </Avatar>
      </IconButton>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        <ListSubheader sx={{ lineHeight: 2, bgcolor: "transparent" }} role="presentation">
          Signed in as {clientId}
        </ListSubheader>
        <MenuItem onClick={() => setMode(nextMode)}>
          <ListItemIcon>
            <ThemeIcon fontSize="small" />
          </ListItemIcon>
          <ListItemText>Colours: {modeLabels[mode]}</ListItemText>
        </MenuItem>
        {/* With the opener the new tab gets a copy of this one's session. */}
        <MenuItem component="a" href="/graphiql" target="_blank" rel="opener" onClick={() => setAnchor(null)}>
          <ListItemIcon>
            <GraphqlIcon fontSize="small" />
          </ListItemIcon>
          <ListItemText>GraphiQL</ListItemText>
        </MenuItem>
        <Divider />
        <MenuItem onClick={signOut}>
          <ListItemIcon>
            <SignOutIcon fontSize="small" />
          </ListItemIcon>
          <ListItemText>Sign out</ListItemText>
        </MenuItem>
      </Menu>
    </>
  );
}
