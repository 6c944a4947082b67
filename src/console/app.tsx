import { useApolloClient } from "@apollo/client/react";
import { useEffect } from "react";
import { Redirect, Route, Router, Switch } from "wouter";
import { useFeed } from "./api/feed-context.ts";
import { newProductIds } from "./api/merge.ts";
import { BulkPage } from "./bulk/bulk-page.tsx";
import { BulkProvider } from "./bulk/bulk-provider.tsx";
import { ActivityPage } from "./history/activity-page.tsx";
import { Shell } from "./layout/shell.tsx";
import { ProductPage } from "./product/product-page.tsx";
import { useSessionState } from "./session/session-context.ts";
import { SignInDialog } from "./session/sign-in-dialog.tsx";
import { SignInPage } from "./session/sign-in-page.tsx";
import { StockPage } from "./stock/stock-page.tsx";
import { TransactionProvider } from "./transaction/transaction-provider.tsx";

/** The console: the question who you are, or the pages. */
export function App(): React.ReactNode {
  const state = useSessionState();
  const client = useApolloClient();
  const feed = useFeed();
  const isOut = state.kind === "out";
  useEffect(() => {
    // What one client was shown is not for the next one at the same screen.
    if (isOut) void client.clearStore();
    if (isOut) newProductIds(new Set());
  }, [client, isOut]);
  useEffect(() => (isOut ? undefined : feed.start()), [feed, isOut]);
  if (isOut) return <SignInPage />;
  return (
    <Router base="/console">
      <TransactionProvider>
        <BulkProvider>
          <Shell>
            <Switch>
              <Route path="/" component={StockPage} />
              <Route path="/product" component={ProductPage} />
              <Route path="/activity" component={ActivityPage} />
              <Route path="/bulk" component={BulkPage} />
              <Route>
                <Redirect to="/" replace />
              </Route>
            </Switch>
          </Shell>
        </BulkProvider>
      </TransactionProvider>
      <SignInDialog state={state} />
    </Router>
  );
}
