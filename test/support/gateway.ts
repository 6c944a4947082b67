import { pino } from "pino";
import type { Scope } from "../../src/access/principal.ts";
import { startGateway } from "../../src/gateway.ts";
import type { Gateway, GatewayOptions } from "../../src/gateway.ts";
import { createDatabase } from "./database.ts";

/** A gateway in this process, on a free port of the loopback interface, with everything behind it real. */
export interface TestGateway {
  readonly url: string;
  readonly databaseUrl: string;
  readonly gateway: Gateway;
  /** The lines of its log so far, each JSON. */
  readonly log: readonly string[];
  /** Of the client that may read and write, but, as the first one of an installation, has no implicit grant. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** A new access token: of that client, or of a new one that has these scopes only. */
  token(scopes?: readonly Scope[]): Promise<string>;
  /** @returns the id of a new client that the implicit grant is open to, with both scopes */
  addImplicitClient(): Promise<string>;
  close(): Promise<void>;
}

export interface TestGatewayOptions extends Partial<GatewayOptions> {}

/** Starts one over a database of its own, which goes with it, or over one that the test shares between several. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = options.databaseUrl === undefined ? await createDatabase() : null;
  const databaseUrl = options.databaseUrl ?? database?.url ?? "";
  const log: string[] = [];
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    introspection: "public",
    federation: false,
    outsideIssuer: null,
    corsOrigins: [],
    trustedProxies: [],
    rateLimits: { perClient: 0, perAddress: 0 },
    requestTimeoutMs: 15_000,
    lanes: 1,
    databasePoolSize: 5,
    watchersMax: 1_000,
    watchersPerClientMax: 500,
    usesBeforeCompiled: 0,
    logger: pino({ level: "info" }, { write: (line) => void log.push(line) }),
    ...options,
    databaseUrl,
  });
  const { client, secret } = await gateway.clients.create({
    name: "Test",
    scopes: ["inventory:read", "inventory:write"],
    implicit: false,
  });
  return {
    url: gateway.url,
    databaseUrl,
    gateway,
    log,
    clientId: client.id,
    clientSecret: secret,
    token: async (scopes) => {
      if (scopes === undefined) return requestToken(gateway.url, client.id, secret);
      const other = await gateway.clients.create({ name: "Other", scopes, implicit: false });
      return requestToken(gateway.url, other.client.id, other.secret);
    },
    addImplicitClient: async () => {
      const scopes = ["inventory:read", "inventory:write"] as const;
      return (await gateway.clients.create({ name: "Shoppers", scopes, implicit: true })).client.id;
    },
    close: async () => {
      await gateway.close();
      await database?.drop();
    },
  };
}

async function requestToken(url: string, clientId: string, clientSecret: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
  });
  const response = await fetch(`${url}/oauth/access_token`, { method: "POST", body });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`No access token: ${JSON.stringify(answer)}`);
  return answer.access_token;
}
