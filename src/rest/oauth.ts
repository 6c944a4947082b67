import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { InvalidClientError } from "../access/access-control.ts";
import type { AccessControl, AccessToken, TokenRequest } from "../access/access-control.ts";
import { errorCodeOf } from "../error-message.ts";
import { jsonTooDeep, nestsTooDeep } from "../json-depth.ts";
import { answerError, RequestError } from "./errors.ts";
import { MethodTable } from "./methods.ts";

/** A token request is a few hundred bytes. */
const bodyBytesMax = 16 * 1_024;
const jwksAgeMaxSeconds = 60;

/** The token as the SDKs read it: flat. */
interface TokenBody {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Seconds. */
  readonly expires_in: number;
  /** Seconds since the epoch. */
  readonly expires: number;
  readonly identifier: TokenRequest["grant"];
}

export interface OauthOptions {
  readonly access: AccessControl;
}

/**
 * POST /oauth/access_token and GET /.well-known/jwks.json, as a plugin with parsers of its own: it has to be registered,
 * not called.
 */
export async function oauthRoutes(app: FastifyInstance, { access }: OauthOptions): Promise<void> {
  app.setErrorHandler((error, request, reply) => answerError(toRequestError(error), request, noStore(reply)));
  app.removeAllContentTypeParsers();
  // The vendor's curl examples send a form and call it JSON: what it is is told from the body, not from its name.
  app.addContentTypeParser(
    ["application/x-www-form-urlencoded", "application/json"],
    { parseAs: "string", bodyLimit: bodyBytesMax },
    (_request, body, done) => done(null, body),
  );

  const methods = new MethodTable(app);
  app.post("/oauth/access_token", { bodyLimit: bodyBytesMax }, async (request, reply) => {
    const token = await access.issueToken(parseTokenRequest(request.body), addressOf(request));
    return await noStore(reply).send(toTokenBody(token));
  });

  app.get("/.well-known/jwks.json", async (_request, reply) => {
    return await reply.header("cache-control", `public, max-age=${jwksAgeMaxSeconds}`).send(await access.jwks());
  });
  methods.refuseOthers();
}

/** Whoever listens in the middle must not keep a token, nor the refusal of one (RFC 6749, 5.1). */
function noStore(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-store").header("pragma", "no-cache");
}

/** The connection's own address: unless the server was told to trust a proxy, X-Forwarded-For is what anybody may write. */
function addressOf(request: FastifyRequest): string {
  return request.ip;
}

function toTokenBody({ token, grant, lifeSeconds, expiresAt }: AccessToken): TokenBody {
  return { access_token: token, token_type: "Bearer", expires_in: lifeSeconds, expires: expiresAt, identifier: grant };
}

function toRequestError(error: unknown): unknown {
  if (error instanceof InvalidClientError) return new RequestError(401, error.message);
  if (errorCodeOf(error) === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new RequestError(415, "The body has to be a form: application/x-www-form-urlencoded");
  return error;
}

/** @throws RequestError (400) */
function parseTokenRequest(body: unknown): TokenRequest {
  const fields = parseFields(typeof body === "string" ? body : "");
  const grant = fields("grant_type");
  if (grant === null) throw new RequestError(400, "grant_type is missing");
  if (grant !== "client_credentials" && grant !== "implicit")
    throw new RequestError(400, "grant_type has to be client_credentials or implicit");
  const clientId = fields("client_id");
  if (clientId === null) throw new RequestError(400, "client_id is missing");
  if (grant === "implicit") return { grant, clientId };
  const clientSecret = fields("client_secret");
  if (clientSecret === null) throw new RequestError(400, "client_secret is missing");
  return { grant, clientId, clientSecret };
}

/** Looks a field up by its name: null where it is missing or empty; throws RequestError where it is no text or comes twice. */
type Fields = (name: string) => string | null;

function parseFields(body: string): Fields {
  return body.trimStart().startsWith("{") ? parseJsonFields(body) : parseFormFields(body);
}

function parseFormFields(body: string): Fields {
  const form = new URLSearchParams(body);
  return (name) => {
    const values = form.getAll(name);
    if (values.length > 1) throw new RequestError(400, `${name} is repeated`);
    return values[0] || null;
  };
}

function parseJsonFields(body: string): Fields {
  const fields = parseJsonObject(body);
  return (name) => {
    const value = fields.get(name) ?? null;
    if (value !== null && typeof value !== "string") throw new RequestError(400, `${name} has to be text`);
    return value || null;
  };
}

/** A Map, so that no name reaches a prototype. */
function parseJsonObject(body: string): ReadonlyMap<string, unknown> {
  if (nestsTooDeep(body)) throw new RequestError(400, jsonTooDeep);
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null) return new Map(Object.entries(value));
  } catch {
    // The parser's message quotes the body, which may hold a secret: it goes no further.
  }
  throw new RequestError(400, "The body is neither a form nor JSON");
}
