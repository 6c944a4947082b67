import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
import { responsesOf } from "./responses.ts";
import { namedSchemas } from "./schemas.ts";

const description = `The inventory API that Elastic Path's clients speak, over this gateway's stock.

Every answer is JSON; a refusal is \`{"errors":[{"status","title","detail"}]}\` with a numeric status. A POST to a
product may carry an \`Idempotency-Key\`.`;

const text = { type: "string" } as const;
const count = { type: "integer" } as const;

/**
 * The token routes read bodies of several forms by themselves: these schemas only document them.
 * Tokens are flat, not in `data`: the SDKs read the top level.
 */
const tokenDocumentation: ReadonlyMap<string, FastifySchema> = new Map([
  [
    "/oauth/access_token",
    {
      operationId: "createAccessToken",
      summary: "Get an access token",
      tags: ["Access"],
      security: [],
      consumes: ["application/x-www-form-urlencoded"],
      body: {
        type: "object",
        required: ["grant_type", "client_id"],
        properties: {
          grant_type: {
            type: "string",
            enum: ["client_credentials", "implicit"],
            description:
              "`implicit` needs no secret, is open only to clients made for it, and its tokens may only read.",
          },
          client_id: text,
          client_secret: { type: "string", description: "With `client_credentials`." },
        },
      },
      response: responsesOf({
        success: [200, "The access token."],
        body: {
          type: "object",
          required: ["access_token", "token_type", "expires_in", "expires", "identifier"],
          properties: { access_token: text, token_type: text, expires_in: count, expires: count, identifier: text },
        },
        refusals: [400, 401, 413, 415],
        open: true,
      }),
    },
  ],
  [
    "/.well-known/jwks.json",
    {
      operationId: "listSigningKeys",
      summary: "List the public keys that access tokens are signed with",
      tags: ["Access"],
      security: [],
      response: responsesOf({
        success: [200, "A JSON Web Key Set."],
        body: {
          type: "object",
          required: ["keys"],
          properties: { keys: { type: "array", items: { type: "object" } } },
        },
        refusals: [],
        open: true,
      }),
    },
  ],
]);

/** Makes the OpenAPI document from the schemas of the routes registered after this, and serves it to everybody. */
export async function useOpenApi(app: FastifyInstance): Promise<void> {
  for (const schema of namedSchemas) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Inventory gateway", version: "1.0.0", description },
      tags: [
        { name: "Inventories", description: "The stock of products." },
        { name: "Stock transactions", description: "The changes to one product's stock." },
        { name: "Access", description: "The tokens that the others take." },
      ],
      components: {
        securitySchemes: {
          token: {
            type: "oauth2",
            description: "`Authorization: Bearer <access token>`; `Bearer:` as old SDKs send it is taken too.",
            flows: {
              clientCredentials: {
                tokenUrl: "/oauth/access_token",
                scopes: { "inventory:read": "See stock and stock transactions.", "inventory:write": "Change stock." },
              },
            },
          },
        },
      },
    },
    transform: ({ schema, url }) => ({
      schema: schema?.hide === true ? schema : (tokenDocumentation.get(url) ?? schema),
      url,
    }),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json["$id"] === "string" ? json["$id"] : `schema-${index}`,
    },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
