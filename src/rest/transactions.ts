import type { FastifyInstance } from "fastify";
import { parseProductId, parseStockTransactionInput } from "../inventory/input.ts";
import type { StockTransactionInput } from "../inventory/commands.ts";
import { stockTransactionDocumentOf } from "./documents.ts";
import { notFoundDetail } from "./envelope.ts";
import { RequestError } from "./errors.ts";
import { idempotencyKeyOf, markReplayed } from "./idempotency.ts";
import type { RestOptions } from "./options.ts";
import { pageFrameOf, pageOf, readPageNumbers } from "./pages.ts";
import type { PageQuery } from "./pages.ts";
import { allow, principalOf, chargeForItems } from "./principals.ts";
import { dataOf, listOf, responsesOf } from "./responses.ts";
import {
  idempotentHeaders,
  pageQuery,
  productParams,
  stockTransactionBody,
  stockTransactionParams,
} from "./schemas.ts";
import type { StockTransactionBody } from "./schemas.ts";

interface ProductRoute {
  readonly Params: { readonly productId: string };
}

const tags = ["Stock transactions"];
const readSecurity = [{ token: ["inventory:read"] }];
const transactionRef = { $ref: "StockTransaction#" };

/** The stock transactions of one product: applying one, listing them, looking one up. */
export function transactionRoutes(app: FastifyInstance, options: RestOptions): void {
  createStockTransaction(app, options);
  listStockTransactions(app, options);
  getStockTransaction(app, options);
}

function createStockTransaction(app: FastifyInstance, { inventory, authenticator }: RestOptions): void {
  const schema = {
    operationId: "createStockTransaction",
    summary: "Apply one stock transaction",
    tags,
    security: [{ token: ["inventory:write"] }],
    params: productParams,
    headers: idempotentHeaders,
    body: stockTransactionBody,
    response: responsesOf({
      success: [200, "The stock transaction as recorded."],
      body: dataOf(transactionRef),
      refusals: [400, 404, 409, 413, 415, 422],
      idempotent: true,
    }),
  };
  const onRequest = allow(authenticator, "inventory:write");
  const url = "/v2/inventories/:productId/transactions";
  app.post<ProductRoute & { Body: StockTransactionBody }>(url, { schema, onRequest }, async (request, reply) => {
    const input = inputOf(request.params.productId, request.body, idempotencyKeyOf(request));
    const { transaction, replayed } = await inventory.createStockTransaction(principalOf(request).clientId, input);
    markReplayed(reply, replayed);
    return { data: stockTransactionDocumentOf(transaction) };
  });
}

/** @throws InvalidInputError, RequestError (400) */
function inputOf(
  productId: string,
  { data }: StockTransactionBody,
  idempotencyKey: string | null,
): StockTransactionInput {
  if (data.product_id !== undefined && data.product_id !== productId)
    throw new RequestError(400, "data.product_id is not the product of the path");
  return parseStockTransactionInput({
    productId,
    action: data.action.toUpperCase(),
    quantity: data.quantity,
    idempotencyKey,
    expectedVersion: data.expected_version,
    reason: data.reason?.toUpperCase(),
    reference: data.reference,
    note: data.note,
  });
}

function listStockTransactions(app: FastifyInstance, { queries, authenticator, rateLimits }: RestOptions): void {
  const schema = {
    operationId: "listStockTransactions",
    summary: "List a product's stock transactions, oldest first",
    tags,
    security: readSecurity,
    params: productParams,
    querystring: pageQuery,
    response: responsesOf({ success: [200, "One page."], body: listOf(transactionRef), refusals: [400, 404] }),
  };
  const hooks = { onRequest: allow(authenticator, "inventory:read"), preValidation: readPageNumbers };
  const url = "/v2/inventories/:productId/transactions";
  app.get<ProductRoute & { Querystring: PageQuery }>(url, { schema, ...hooks }, async (request) => {
    const ids = [parseProductId(request.params.productId)];
    const page = pageOf(request.query);
    chargeForItems(request, rateLimits, page.limit);
    const [[stock], [history], [all = 0]] = await Promise.all([
      queries.findStocks(ids),
      queries.listHistories(ids, { filter: {}, orderBy: "OLDEST_FIRST", page }),
      queries.countHistories(ids, {}),
    ]);
    if (stock == null || history === undefined) throw new RequestError(404, notFoundDetail);
    return {
      data: history.items.map(({ node }) => stockTransactionDocumentOf(node)),
      ...pageFrameOf(request, page, all),
    };
  });
}

function getStockTransaction(app: FastifyInstance, { queries, authenticator }: RestOptions): void {
  const schema = {
    operationId: "getStockTransaction",
    summary: "Get one stock transaction of a product; also of one that is no longer tracked",
    tags,
    security: readSecurity,
    params: stockTransactionParams,
    response: responsesOf({
      success: [200, "The stock transaction."],
      body: dataOf(transactionRef),
      refusals: [400, 404],
    }),
  };
  const onRequest = allow(authenticator, "inventory:read");
  const url = "/v2/inventories/:productId/transactions/:transactionId";
  app.get<{ Params: { productId: string; transactionId: string } }>(url, { schema, onRequest }, async (request) => {
    const productId = parseProductId(request.params.productId);
    const [transaction] = await queries.findStockTransactions([request.params.transactionId]);
    if (transaction == null || transaction.productId !== productId) throw new RequestError(404, notFoundDetail);
    return { data: stockTransactionDocumentOf(transaction) };
  });
}
