import type { Session } from "./session.ts";

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
      const response = await fetch(input, { ...init, headers });
      if (response.status !== 401) return response;
      await session.refuse(token);
    }
  };
}
