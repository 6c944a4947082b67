import type { Session } from "./session.ts";

/** The gateway answers within ten seconds, if only to say that it can't: past this the connection is lost. */
const timeoutMs = 20_000;

/**
 * Fetches with the session's token. An answer 401 says that nothing was done: the token is renewed, or the person asked
 * for the secret, and the same request sent again.
 */
export function authorizedFetch(session: Session): typeof fetch {
  return async (input, init) => {
    for (;;) {
      const token = await session.token();
      const headers = new Headers(init?.headers);
      headers.set("authorization", `Bearer ${token}`);
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = init?.signal == null ? timeout : AbortSignal.any([init.signal, timeout]);
      const response = await fetch(input, { ...init, headers, signal });
      if (response.status !== 401) return response;
      await session.refuse(token);
    }
  };
}
