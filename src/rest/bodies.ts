import type { FastifyInstance, FastifyRequest } from "fastify";
import { jsonTooDeep, nestsTooDeep } from "../json-depth.ts";
import { RequestError } from "./errors.ts";

/**
 * Reads JSON bodies, and nothing else. SDKs send `Content-Type: application/json` also with no body: that is no error
 * by itself; a route that needs a body says so.
 */
export function useJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    "application/json",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      requirePlainUtf8(request);
      return body.length === 0 ? undefined : parseJson(body);
    },
  );
}

function requirePlainUtf8({ headers }: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8" && charset.toLowerCase() !== "utf8")
    throw new RequestError(415, "The body has to be in UTF-8");
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new RequestError(415, "The body must not be compressed");
}

/** The parser's own message quotes the body, which may hold a secret: it is not handed on. */
function parseJson(body: Buffer): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    if (!nestsTooDeep(text)) return JSON.parse(text);
  } catch {
    throw new RequestError(400, "The body is not JSON");
  }
  throw new RequestError(400, jsonTooDeep);
}
