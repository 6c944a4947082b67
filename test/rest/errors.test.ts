import { describe, expect, test } from "@jest/globals";
import { ForbiddenError, UnauthenticatedError } from "../../src/access/principal.ts";
import { InvalidInputError, ServiceUnavailableError, StockError } from "../../src/inventory/errors.ts";
import type { StockErrorCode } from "../../src/inventory/errors.ts";
import { errorAnswerOf, RequestError } from "../../src/rest/errors.ts";
import { refusal } from "./rest-client.ts";

function stockError(code: StockErrorCode, replayed = false): StockError {
  const levels = { requested: 1, available: 0, allocated: 0, version: 1 };
  return new StockError({ code, productId: "a", action: "DECREMENT", ...levels }, replayed);
}

describe("errorAnswerOf", () => {
  test.each<readonly [StockErrorCode, number, string, string]>([
    [
      "INSUFFICIENT_STOCK",
      422,
      "Cannot complete request",
      "Your request could not be completed due to insufficient stock levels",
    ],
    ["QUANTITY_OUT_OF_RANGE", 422, "Cannot complete request", "The stock level would pass 2147483647"],
    [
      "IDEMPOTENCY_KEY_REUSED",
      422,
      "Cannot complete request",
      "The idempotency key was used for a request with other arguments",
    ],
    ["STOCK_NOT_FOUND", 404, "Not Found", "The resource could not be found"],
    ["STOCK_ALREADY_EXISTS", 409, "Conflict", "The product has stock already"],
    ["STALE_VERSION", 409, "Conflict", "The stock has changed: expectedVersion is not its current version"],
    ["STOCK_STILL_ALLOCATED", 422, "Cannot complete request", "The stock can't be deleted while units are allocated"],
    [
      "BATCH_NOT_APPLIED",
      424,
      "Failed Dependency",
      "Not applied because another line of the same all-or-nothing batch was refused",
    ],
  ])("answers %s with %i", (code, status, title, detail) => {
    const body = refusal(status, title, detail);
    expect(errorAnswerOf(stockError(code))).toEqual({ status, headers: {}, body });
    expect(errorAnswerOf(stockError(code, true))).toEqual({ status, headers: { "idempotent-replayed": "true" }, body });
  });

  test("answers a gateway that can't settle now with 503 and when to try again", () => {
    const notApplied = new ServiceUnavailableError("Too many stock transactions are waiting", "not applied", {
      retryAfterSeconds: 7,
    });
    expect(errorAnswerOf(notApplied)).toEqual({
      status: 503,
      headers: { "retry-after": "7" },
      body: refusal(503, "Service Unavailable", "Too many stock transactions are waiting"),
    });
  });

  test.each([
    ["a missing token", new UnauthenticatedError(), refusal(401, "Unable to validate access token")],
    [
      "a missing scope",
      new ForbiddenError("inventory:write"),
      refusal(403, "Forbidden", "The access token lacks the scope inventory:write"),
    ],
    [
      "an argument by its place in a REST request",
      new InvalidInputError("productId", "productId is empty", 3),
      refusal(400, "Validation Error", "data[3]: The product id is empty"),
    ],
    [
      "a rate limit",
      Object.assign(new Error("Rate limit exceeded, retry in 1 minute"), { statusCode: 429 }),
      refusal(429, "Too Many Requests"),
    ],
    [
      "a path that is not there",
      Object.assign(new Error("Route GET:/x not found"), { statusCode: 404 }),
      refusal(404, "Not Found", "The resource could not be found"),
    ],
  ])("answers %s", (_name, error, body) => {
    expect(errorAnswerOf(error).body).toEqual(body);
  });

  test("sends the headers that belong to a refusal", () => {
    expect(errorAnswerOf(new RequestError(405, "The path takes GET", { allow: "GET" })).headers).toEqual({
      allow: "GET",
    });
  });

  test.each([
    ["an error", new Error("connect ECONNREFUSED db.internal:5432")],
    ["an error that claims a status of ours", Object.assign(new Error("SELECT secret"), { statusCode: 500 })],
    ["an error that claims a status without a title", Object.assign(new Error("teapot"), { statusCode: 418 })],
    ["a database that is away, said by a driver", Object.assign(new Error("db.internal"), { statusCode: 503 })],
    ["text", "SELECT secret"],
    ["nothing", undefined],
  ])("answers %s that it doesn't know with a 500 that tells nothing", (_name, error) => {
    expect(errorAnswerOf(error)).toEqual({ status: 500, headers: {}, body: refusal(500, "Internal Server Error") });
  });
});
