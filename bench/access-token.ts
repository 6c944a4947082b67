import { withAccess } from "../src/installation.ts";

/** Makes a client that may read and write, and asks a gateway for a token of its. */
export async function createAccessToken(databaseUrl: string, gatewayUrl: string): Promise<string> {
  const { client, secret } = await withAccess(databaseUrl, ({ clients }) =>
    clients.create({ name: "Benchmark", scopes: ["inventory:read", "inventory:write"], implicit: false }),
  );
  const response = await fetch(new URL("/oauth/access_token", gatewayUrl), {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: client.id, client_secret: secret }),
  });
  const body: unknown = await response.json();
  const token = typeof body === "object" && body !== null && "access_token" in body ? body.access_token : undefined;
  if (typeof token !== "string") throw new Error(`No access token was issued: ${JSON.stringify(body)}`);
  return token;
}
