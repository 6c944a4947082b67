import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { namedSchemas } from "./schemas.ts";

const description = `The inventory API that Elastic Path's clients speak, over this gateway's stock.

Every answer is JSON; a refusal is \`{"errors":[{"status","title","detail"}]}\` with a numeric status. A POST to a
product may carry an \`Idempotency-Key\`.`;

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
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json["$id"] === "string" ? json["$id"] : `schema-${index}`) },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
