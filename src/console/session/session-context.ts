import { createContext, useContext, useSyncExternalStore } from "react";
import type { Session, SessionState } from "./session.ts";

const SessionContext = createContext<Session | null>(null);

/** Gives the tab's session to everything below. */
export const SessionProvider = SessionContext.Provider;

/** The tab's session. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("There is no session above this component");
  return session;
}

/** Where the session stands, kept up to date. */
export function useSessionState(): SessionState {
  const session = useSession();
  return useSyncExternalStore(session.subscribe, session.getState);
}
