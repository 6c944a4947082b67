/** The gateway answers within ten seconds, if only to say that it can't: past this the connection is lost. */
const timeoutMs = 20_000;

/**
 * Fetches with an access token, which is kept until the gateway answers 401. That says that nothing was done, so the same
 * request is sent again with a new one.
 * @param requestToken answers null where there will be none: requests then go without, and the gateway refuses them
 */
export function authorizedFetch(requestToken: () => Promise<string | null>): typeof fetch {
  let kept: Promise<string | null> | undefined;

  const newToken = (): Promise<string | null> => {
    const token = requestToken();
    kept = token;
    // One that could not be asked for is asked for again by the next request.
    token.catch(() => {
      if (kept === token) kept = undefined;
    });
    return token;
  };

  return async (input, init) => {
    const send = async (token: string | null): Promise<Response> => {
      const headers = new Headers(init?.headers);
      if (token !== null) headers.set("authorization", `Bearer ${token}`);
      return fetch(input, { ...init, headers, signal: AbortSignal.timeout(timeoutMs) });
    };
    const used = kept ?? newToken();
    const response = await send(await used);
    if (response.status !== 401) return response;
    // Another request may have asked for one meanwhile.
    return send(await (kept === used || kept === undefined ? newToken() : kept));
  };
}

/**
 * Asks the gateway for an access token, as a program that can keep a secret.
 * @returns null where the id or the secret is wrong
 * @throws Error where that is not known, because the gateway is away or has no time
 */
export async function requestToken(url: string, clientId: string, clientSecret: string): Promise<string | null> {
  const credentials = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
  const body = new URLSearchParams(credentials);
  const response = await fetch(`${url}/oauth/access_token`, { method: "POST", body });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`There is no access token now: HTTP ${response.status}`);
  const { access_token: token } = (await response.json()) as { readonly access_token: string };
  return token;
}
