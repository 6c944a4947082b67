import type { FastifyInstance } from "fastify";
import { useJsonBodies } from "./bodies.ts";
import { notFoundDetail } from "./envelope.ts";
import { answerError, answerNotFound, RequestError } from "./errors.ts";
import { inventoryRoutes } from "./inventories.ts";
import { MethodTable } from "./methods.ts";
import { oauthRoutes } from "./oauth.ts";
import { useOpenApi } from "./openapi.ts";
import type { RestOptions } from "./options.ts";
import { transactionRoutes } from "./transactions.ts";
import { useStrictValidation } from "./validation.ts";

/**
 * The longest path segment that can be a product id: 255 characters of four bytes each, percent-encoded. The Fastify
 * instance has to be made with it as `routerOptions.maxParamLength`; past it, and for a path that is not correctly
 * encoded, Fastify calls `frameworkErrors`, which has to be {@link answerError}.
 */
export const pathSegmentLengthMax = 255 * 12;

/** Elastic Path's inventory API with the tokens it takes, and its OpenAPI document: a Fastify plugin. */
export async function restPlugin(app: FastifyInstance, options: RestOptions): Promise<void> {
  app.setErrorHandler(answerError);
  await app.register(unknownPaths, { prefix: "/v2" });
  app.addHook("onRequest", async (_request, reply) => void reply.header("cache-control", "no-store"));
  useJsonBodies(app);
  useStrictValidation(app);
  const methods = new MethodTable(app);
  await useOpenApi(app);
  inventoryRoutes(app, options);
  transactionRoutes(app, options);
  await app.register(oauthRoutes, { access: options.access });
  methods.refuseOthers();
}

/** A path that no route takes is not found whatever its body: it is told so before that is read. */
async function unknownPaths(app: FastifyInstance): Promise<void> {
  app.setNotFoundHandler(answerNotFound);
  app.addHook("onRequest", async () => {
    throw new RequestError(404, notFoundDetail);
  });
}
