import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import { ApolloProvider } from "@apollo/client/react";
import CssBaseline from "@mui/material/CssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "./api/client.ts";
import { FeedProvider } from "./api/feed-context.ts";
import { Feed } from "./api/feed.ts";
import { OvertakenAnswers } from "./api/overtaken-answers.ts";
import { App } from "./app.tsx";
import { SessionProvider } from "./session/session-context.ts";
import { Session } from "./session/session.ts";
import { theme } from "./theme.ts";

const root = document.querySelector("#root");
if (root === null) throw new Error("The page has no #root");
// The Content-Security-Policy takes styles by this page's nonce only.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
const styles = createCache({ key: "css", nonce, prepend: true });
const session = new Session();
const overtaken = new OvertakenAnswers();
const client = createClient(session, overtaken);
const feed = new Feed(session, client, overtaken);

createRoot(root).render(
  <StrictMode>
    <CacheProvider value={styles}>
      <ThemeProvider theme={theme} defaultMode="system" modeStorageKey="inventory-gateway.theme">
        <CssBaseline />
        <SessionProvider value={session}>
          <ApolloProvider client={client}>
            <FeedProvider value={feed}>
              <App />
            </FeedProvider>
          </ApolloProvider>
        </SessionProvider>
      </ThemeProvider>
    </CacheProvider>
  </StrictMode>,
);
