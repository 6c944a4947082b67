import type { IncomingMessage } from "node:http";
import { UnauthenticatedError } from "./principal.ts";

/** The longest access token that is looked at, in characters. */
const tokenLengthMax = 8_192;

/** Old SDKs write a colon after the scheme, whose case is nobody's business (RFC 9110, 11.1). A compact JWS is three parts of base64url, none of them empty or padded. */
const bearer = /^Bearer:? ([\w-]+\.[\w-]+\.[\w-]+)$/i;
const schemeLengthMax = "Bearer: ".length;

/**
 * The access token in an Authorization header: `Bearer <token>`, or `Bearer: <token>` as old SDKs send it.
 * @throws UnauthenticatedError for anything else
 */
export function parseBearer(authorization: string | undefined): string {
  if (authorization === undefined || authorization.length > schemeLengthMax + tokenLengthMax)
    throw new UnauthenticatedError();
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined || token.length > tokenLengthMax) throw new UnauthenticatedError();
  return token;
}

/**
 * The Authorization header of a request. Node keeps the first of several and drops the others; here they come as one value
 * joined by a comma, which no scheme reads: whatever stands in front of the gateway may have looked at another one.
 */
export function authorizationOf({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string | undefined {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "authorization",
  );
  return values.length === 0 ? undefined : values.join(", ");
}
