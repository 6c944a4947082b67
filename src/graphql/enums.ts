import { registerEnumType } from "type-graphql";
import type { StockAction, StockReason } from "../inventory/actions.ts";
import type { BatchPolicy } from "../inventory/commands.ts";
import type { StockErrorCode } from "../inventory/errors.ts";
import type { StockOrder, StockTransactionOrder } from "../inventory/queries.ts";

/** An enum type of the schema: every value of the domain's union, each with what the manual says of it. */
function defineEnum<Value extends string>(
  name: string,
  description: string,
  descriptions: Record<Value, string>,
): Record<string, string> {
  const values = Object.fromEntries(Object.keys(descriptions).map((value) => [value, value]));
  const entries = Object.entries<string>(descriptions).map(([value, text]) => [value, { description: text }]);
  registerEnumType(values, { name, description, valuesConfig: Object.fromEntries(entries) });
  return values;
}

export const StockActionEnum = defineEnum<StockAction>(
  "StockAction",
  "What a stock transaction does to the two pools of a product. q stands for its quantity. On a product that is not tracked " +
    "only CREATE and INCREMENT are accepted; the others are refused with STOCK_NOT_FOUND (404).",
  {
    CREATE:
      "Starts tracking a product with q units available; the only action whose q may be 0. On a tracked product: " +
      "STOCK_ALREADY_EXISTS (409).",
    INCREMENT: "Receives units: available + q. Starts tracking a product that is not tracked yet.",
    DECREMENT: "Takes units out: available − q. More than is available: INSUFFICIENT_STOCK (422).",
    ALLOCATE:
      "Sets units aside for an order or a reseller: available − q, allocated + q. More than is available: INSUFFICIENT_STOCK (422).",
    DEALLOCATE:
      "Gives units that were set aside back: allocated − q, available + q. More than is allocated: INSUFFICIENT_STOCK (422).",
  },
);

export const StockReasonEnum = defineEnum<StockReason>(
  "StockReason",
  "Why stock was moved, for reports. It changes nothing about what is done.",
  {
    RECEIVED: "A supplier delivered.",
    SOLD: "A customer bought.",
    RETURNED: "A customer sent units back.",
    DAMAGED: "Units can't be sold any more.",
    LOST: "Units were stolen or can't be found.",
    TRANSFERRED: "Units went to another place, or came from one.",
    CORRECTION: "An earlier entry or a count was wrong.",
    RESERVED: "Units were set aside.",
    RELEASED: "A reservation ended.",
    OTHER: "None of these: say it in `note`.",
  },
);

export const StockErrorCodeEnum = defineEnum<StockErrorCode>(
  "StockErrorCode",
  "Which rule refused a well-formed request. Nothing was changed in any of these cases.",
  {
    INSUFFICIENT_STOCK: "422: the pool that the action takes from holds fewer units than asked for.",
    QUANTITY_OUT_OF_RANGE: "422: available and allocated together would pass 2 147 483 647.",
    IDEMPOTENCY_KEY_REUSED: "422: the idempotency key was used before, for a request with other arguments.",
    STOCK_NOT_FOUND: "404: the product is not tracked.",
    STOCK_ALREADY_EXISTS: "409: CREATE, and the product is tracked already.",
    STALE_VERSION: "409: expectedVersion is not the current version; `version` says which is.",
    STOCK_STILL_ALLOCATED: "422: tracking can't stop while units are allocated.",
    BATCH_NOT_APPLIED:
      "424: the line could have been applied, but another line of its all-or-nothing batch was refused.",
  },
);

export const BatchPolicyEnum = defineEnum<BatchPolicy>(
  "BatchPolicy",
  "What one refused line of a batch means for the others.",
  {
    ALL_OR_NOTHING:
      "All lines are applied, or none is: the refused ones carry their own error, the others BATCH_NOT_APPLIED.",
    EACH: "Every line stands for itself: the refused ones carry an error, the others are applied.",
  },
);

export const StockOrderEnum = defineEnum<StockOrder>("StockOrder", "How a list of stocks is ordered.", {
  PRODUCT_ID: "By product id, in the order of its bytes in UTF-8: Z comes before a.",
  AVAILABLE: "Fewest available units first; equal ones by product id.",
  UPDATED_AT_DESC: "Last changed first; equal ones by product id.",
});

export const StockTransactionOrderEnum = defineEnum<StockTransactionOrder>(
  "StockTransactionOrder",
  "How stock transactions are ordered. Over all products there is one order in the installation, which agrees with the " +
    "versions of every product.",
  {
    NEWEST_FIRST: "The last one accepted comes first.",
    OLDEST_FIRST:
      "The order of the feed. Over all products the list ends before the first place that a request still running could fill, so " +
      "who pages on from the last cursor misses nothing; the very newest may show up a moment later.",
  },
);
