/** What a tab keeps over a reload: never the secret. */
export interface StoredSession {
  readonly clientId: string;
  readonly token: string;
  /** Milliseconds since the epoch, by this browser's clock. */
  readonly expiresAt: number;
}

/** GraphiQL's page reads it there too. */
const storageKey = "inventory-gateway.session";

/** @returns the tab's session; null without one that is still good */
export function readStoredSession(now = Date.now()): StoredSession | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? "null");
    return isStoredSession(value) && value.expiresAt > now ? value : null;
  } catch {
    return null;
  }
}

/** Keeps it for this tab; null forgets it. */
export function writeStoredSession(session: StoredSession | null): void {
  if (session === null) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, JSON.stringify(session));
}

function isStoredSession(value: unknown): value is StoredSession {
  if (typeof value !== "object" || value === null) return false;
  const { clientId, token, expiresAt } = value as Partial<Record<keyof StoredSession, unknown>>;
  return typeof clientId === "string" && typeof token === "string" && typeof expiresAt === "number";
}
