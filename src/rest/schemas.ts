import { stockActions, stockReasons } from "../inventory/actions.ts";
import type { StockAction, StockReason } from "../inventory/actions.ts";
import { batchLinesMax } from "../inventory/commands.ts";
import { idempotencyKeyLengthMax, noteLengthMax, productIdLengthMax, referenceLengthMax } from "../inventory/input.ts";
import { pageSizeDefault, pageSizeMax } from "../inventory/queries.ts";
import { levelMax } from "../inventory/stock.ts";

/** The most records that `page[offset]` may skip. */
const pageOffsetMax = 10_000;

const level = { type: "integer", minimum: 0, maximum: levelMax } as const;
const productId = {
  type: "string",
  minLength: 1,
  maxLength: productIdLengthMax,
  description:
    "The product: 1 to 255 characters, no control characters, no space at either end; `multiple`, `.` and `..` are reserved.",
} as const;

/** The names of the actions over REST, lower-case as the vendor has them. */
export type RestAction = Lowercase<StockAction>;

/** The body of a request for a stock transaction, after validation. */
export interface StockTransactionBody {
  readonly data: {
    readonly action: RestAction;
    readonly quantity: number;
    readonly product_id?: string;
    readonly expected_version?: number;
    readonly reason?: Lowercase<StockReason>;
    readonly reference?: string;
    readonly note?: string;
  };
}

/** The vendor's request for a stock transaction, and what the gateway takes beyond it. */
export const stockTransactionBody = {
  type: "object",
  required: ["data"],
  additionalProperties: false,
  properties: {
    data: {
      type: "object",
      required: ["type", "action", "quantity"],
      additionalProperties: false,
      properties: {
        type: { type: "string", enum: ["stock-transaction"] },
        action: { type: "string", enum: stockActions.map((action) => action.toLowerCase()) },
        quantity: { ...level, description: "Whole units, from 1; `create` also takes 0." },
        product_id: { type: "string", description: "May repeat the product of the path; another one is refused." },
        expected_version: {
          ...level,
          description: "Refuses with 409 when the product has had another number of stock transactions.",
        },
        reason: {
          type: "string",
          enum: stockReasons.map((reason) => reason.toLowerCase()),
          description: "Why stock was moved.",
        },
        reference: {
          type: "string",
          maxLength: referenceLengthMax,
          description: "The caller's document: an order, a ticket.",
        },
        note: { type: "string", maxLength: noteLengthMax },
      },
      if: { properties: { action: { const: "create" } } },
      else: { properties: { quantity: { type: "integer", minimum: 1 } } },
    },
  },
} as const;

/** The body of a request to start tracking, after validation. */
export interface StockBody {
  readonly data: { readonly quantity: number };
}

/** The vendor's request to start tracking a product. */
export const stockBody = {
  type: "object",
  required: ["data"],
  additionalProperties: false,
  properties: {
    data: {
      type: "object",
      required: ["quantity"],
      additionalProperties: false,
      properties: {
        type: { type: "string", enum: ["stock"] },
        quantity: { ...level, description: "The units available at the start." },
      },
    },
  },
} as const;

/** The body of a request for several stocks, after validation. */
export interface MultipleStocksBody {
  readonly data: readonly { readonly id: string }[];
}

/** The vendor's request for several stocks. */
export const multipleStocksBody = {
  type: "object",
  required: ["data"],
  additionalProperties: false,
  properties: {
    data: {
      type: "array",
      minItems: 1,
      maxItems: batchLinesMax,
      items: {
        type: "object",
        required: ["id"],
        additionalProperties: false,
        properties: { type: { type: "string", enum: ["stock"] }, id: productId },
      },
    },
  },
} as const;

/** The path of one product. */
export const productParams = {
  type: "object",
  required: ["productId"],
  properties: { productId },
} as const;

/** The path of one stock transaction. A transaction id that is no UUID is not refused here: it is not found. */
export const stockTransactionParams = {
  type: "object",
  required: ["productId", "transactionId"],
  properties: { productId, transactionId: { type: "string", description: "The stock transaction's UUID." } },
} as const;

/** The query of a list. Its numbers arrive as text: see readPageNumbers. */
export const pageQuery = {
  type: "object",
  properties: {
    "page[limit]": {
      type: "integer",
      minimum: 0,
      maximum: pageSizeMax,
      default: pageSizeDefault,
      description: "The most records to answer with; 0 means the default.",
    },
    "page[offset]": {
      type: "integer",
      minimum: 0,
      maximum: pageOffsetMax,
      default: 0,
      description: "The records to skip.",
    },
  },
} as const;

/** The headers of a write that may be sent again without being applied again. */
export const idempotentHeaders = {
  type: "object",
  properties: {
    "Idempotency-Key": {
      type: "string",
      minLength: 1,
      maxLength: idempotencyKeyLengthMax,
      description:
        "Makes the request safe to repeat: it is applied once, and repeats get the first outcome, a refusal too. " +
        "Printable ASCII without commas; scoped to the API client.",
    },
  },
} as const;

const stockTransaction = {
  $id: "StockTransaction",
  type: "object",
  description: "One accepted change to one product's stock.",
  required: ["id", "type", "action", "product_id", "quantity", "timestamps"],
  properties: {
    id: { type: "string", format: "uuid" },
    type: { type: "string", enum: ["stock-transaction"] },
    action: { type: "string", enum: stockActions.map((action) => action.toLowerCase()) },
    product_id: productId,
    quantity: level,
    reason: {
      type: "string",
      enum: stockReasons.map((reason) => reason.toLowerCase()),
      description: "Only where one was given.",
    },
    reference: { type: "string", description: "Only where one was given." },
    note: { type: "string", description: "Only where one was given." },
    timestamps: {
      type: "object",
      required: ["created_at"],
      properties: { created_at: { type: "string", examples: ["2018-05-01 10:10:57 +0000 UTC"] } },
    },
  },
} as const;

const stock = {
  $id: "Stock",
  type: "object",
  description: "The stock of one product: total = available + allocated, and none is ever negative.",
  required: ["id", "type", "total", "available", "allocated"],
  properties: {
    id: productId,
    type: { type: "string", enum: ["stock"] },
    total: level,
    available: level,
    allocated: level,
  },
} as const;

const link = { type: "string", format: "uri" } as const;
const linkOrNull = { type: ["string", "null"], format: "uri" } as const;
const count = { type: "integer", minimum: 0 } as const;

const page = {
  $id: "Page",
  type: "object",
  description: "Where the page stands in its list.",
  required: ["results", "page"],
  properties: {
    results: { type: "object", required: ["total", "all"], properties: { total: count, all: count } },
    page: {
      type: "object",
      required: ["limit", "offset", "current", "total"],
      properties: { limit: count, offset: count, current: count, total: count },
    },
  },
} as const;

const pageLinks = {
  $id: "PageLinks",
  type: "object",
  required: ["current", "first", "prev", "next", "last"],
  properties: { current: link, first: link, prev: linkOrNull, next: linkOrNull, last: link },
} as const;

const refusal = {
  $id: "Refusal",
  type: "object",
  description: "Why the request was refused.",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        required: ["status", "title"],
        properties: { status: { type: "integer" }, title: { type: "string" }, detail: { type: "string" } },
      },
    },
  },
} as const;

/** The answers' schemas that have a name in the OpenAPI document. */
export const namedSchemas = [stockTransaction, stock, page, pageLinks, refusal];
