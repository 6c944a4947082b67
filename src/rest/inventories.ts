import type { FastifyInstance } from "fastify";
import { parseProductId, parseStockTransactionInput } from "../inventory/input.ts";
import { stockDocumentOf } from "./documents.ts";
import { notFoundDetail } from "./envelope.ts";
import { RequestError } from "./errors.ts";
import { idempotencyKeyOf, markReplayed, refuseIdempotencyKey } from "./idempotency.ts";
import type { RestOptions } from "./options.ts";
import { pageFrameOf, pageOf, readPageNumbers } from "./pages.ts";
import type { PageQuery } from "./pages.ts";
import { allow, principalOf, chargeForItems } from "./principals.ts";
import { dataOf, listOf, responsesOf } from "./responses.ts";
import { idempotentHeaders, multipleStocksBody, pageQuery, productParams, stockBody } from "./schemas.ts";
import type { MultipleStocksBody, StockBody } from "./schemas.ts";

interface ProductRoute {
  readonly Params: { readonly productId: string };
}

const tags = ["Inventories"];
const readSecurity = [{ token: ["inventory:read"] }];
const writeSecurity = [{ token: ["inventory:write"] }];
const stockRef = { $ref: "Stock#" };

/** The stock of products: listing, looking up, starting and stopping to track. */
export function inventoryRoutes(app: FastifyInstance, options: RestOptions): void {
  listStocks(app, options);
  getStock(app, options);
  getMultipleStocks(app, options);
  createStock(app, options);
  deleteStock(app, options);
}

function listStocks(app: FastifyInstance, { queries, authenticator, rateLimits }: RestOptions): void {
  const schema = {
    operationId: "listStocks",
    summary: "List the stock of all products, by product id",
    tags,
    security: readSecurity,
    querystring: pageQuery,
    response: responsesOf({ success: [200, "One page."], body: listOf(stockRef), refusals: [400] }),
  };
  const hooks = { onRequest: allow(authenticator, "inventory:read"), preValidation: readPageNumbers };
  app.get<{ Querystring: PageQuery }>("/v2/inventories", { schema, ...hooks }, async (request) => {
    const page = pageOf(request.query);
    chargeForItems(request, rateLimits, page.limit);
    const [stocks, all] = await Promise.all([
      queries.listStocks({ filter: {}, orderBy: "PRODUCT_ID", page }),
      queries.countStocks({}),
    ]);
    return {
      data: stocks.items.map(({ node }) => stockDocumentOf(node.productId, node)),
      ...pageFrameOf(request, page, all),
    };
  });
}

function getStock(app: FastifyInstance, { queries, authenticator }: RestOptions): void {
  const schema = {
    operationId: "getStock",
    summary: "Get the stock of one product",
    tags,
    security: readSecurity,
    params: productParams,
    response: responsesOf({ success: [200, "The stock."], body: dataOf(stockRef), refusals: [400, 404] }),
  };
  const onRequest = allow(authenticator, "inventory:read");
  app.get<ProductRoute>("/v2/inventories/:productId", { schema, onRequest }, async (request) => {
    const [stock] = await queries.findStocks([parseProductId(request.params.productId)]);
    if (stock == null) throw new RequestError(404, notFoundDetail);
    return { data: stockDocumentOf(stock.productId, stock) };
  });
}

function getMultipleStocks(app: FastifyInstance, { queries, authenticator, rateLimits }: RestOptions): void {
  const missing = {
    type: "array",
    items: { type: "string" },
    description: "The products asked for that have no stock.",
  };
  const meta = { type: "object", required: ["missing_ids"], properties: { missing_ids: missing } };
  const body = {
    type: "object",
    required: ["data", "meta"],
    properties: { data: { type: "array", items: stockRef }, meta },
  };
  const schema = {
    operationId: "getMultipleStocks",
    summary: "Get the stock of several products, in the order asked",
    tags,
    security: readSecurity,
    body: multipleStocksBody,
    response: responsesOf({ success: [200, "The stocks found."], body, refusals: [400, 413, 415] }),
  };
  const onRequest = allow(authenticator, "inventory:read");
  app.post<{ Body: MultipleStocksBody }>("/v2/inventories/multiple", { schema, onRequest }, async (request) => {
    chargeForItems(request, rateLimits, request.body.data.length);
    const ids = request.body.data.map(({ id }, index) => parseProductId(id, index));
    const stocks = await queries.findStocks(ids);
    return {
      data: stocks.flatMap((stock) => (stock === null ? [] : [stockDocumentOf(stock.productId, stock)])),
      meta: { missing_ids: [...new Set(ids.filter((_, index) => stocks[index] === null))] },
    };
  });
}

function createStock(app: FastifyInstance, { inventory, authenticator }: RestOptions): void {
  const schema = {
    operationId: "createStock",
    summary: "Start tracking a product",
    tags,
    security: writeSecurity,
    params: productParams,
    headers: idempotentHeaders,
    body: stockBody,
    response: responsesOf({
      success: [201, "The stock as it starts."],
      body: dataOf(stockRef),
      refusals: [400, 409, 413, 415, 422],
      idempotent: true,
    }),
  };
  const onRequest = allow(authenticator, "inventory:write");
  app.post<ProductRoute & { Body: StockBody }>(
    "/v2/inventories/:productId",
    { schema, onRequest },
    async (request, reply) => {
      const input = parseStockTransactionInput({
        productId: request.params.productId,
        action: "CREATE",
        quantity: request.body.data.quantity,
        idempotencyKey: idempotencyKeyOf(request),
      });
      const { transaction, replayed } = await inventory.createStockTransaction(principalOf(request).clientId, input);
      markReplayed(reply, replayed);
      const levels = { available: transaction.availableAfter, allocated: transaction.allocatedAfter };
      return reply.code(201).send({ data: stockDocumentOf(transaction.productId, levels) });
    },
  );
}

function deleteStock(app: FastifyInstance, { inventory, authenticator }: RestOptions): void {
  const schema = {
    operationId: "deleteStock",
    summary: "Stop tracking a product that has nothing allocated; its history stays",
    tags,
    security: writeSecurity,
    params: productParams,
    response: responsesOf({ success: [204, "It is no longer tracked."], refusals: [400, 404, 422] }),
  };
  const onRequest = allow(authenticator, "inventory:write");
  app.delete<ProductRoute>("/v2/inventories/:productId", { schema, onRequest }, async (request, reply) => {
    refuseIdempotencyKey(request);
    await inventory.deleteStock(principalOf(request).clientId, parseProductId(request.params.productId));
    return reply.code(204).send();
  });
}
