import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { newProduct, pathOf, RestClient } from "./rest-client.ts";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly headers?: object; readonly content?: object }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let gateway: TestGateway;
let rest: RestClient;
let document: Document;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Document;
});
afterAll(() => gateway.close());

function parametersOf(path: string, method: string): string[] {
  const parameters = document.paths[path]?.[method]?.parameters ?? [];
  return parameters.map((parameter) => `${parameter.in} ${parameter.name}`).toSorted();
}

const anyRefusals = ["429", "500", "503"];
const scopedRefusals = ["401", "403"];

describe("GET /openapi.json", () => {
  test("is a valid OpenAPI 3.1 document, for everybody", async () => {
    expect(document.openapi).toBe("3.1.0");
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
  });

  test("has every route of the contract with its statuses, and no other", () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => {
        const own = Object.keys(responses).filter((status) => ![...anyRefusals, ...scopedRefusals].includes(status));
        return `${method.toUpperCase()} ${path} ${own.join(" ")}`;
      }),
    );
    expect(operations.toSorted()).toEqual([
      "DELETE /v2/inventories/{productId} 204 400 404 422",
      "GET /.well-known/jwks.json 200",
      "GET /v2/inventories 200 400",
      "GET /v2/inventories/{productId} 200 400 404",
      "GET /v2/inventories/{productId}/transactions 200 400 404",
      "GET /v2/inventories/{productId}/transactions/{transactionId} 200 400 404",
      "POST /oauth/access_token 200 400 413 415",
      "POST /v2/inventories/multiple 200 400 413 415",
      "POST /v2/inventories/{productId} 201 400 409 413 415 422",
      "POST /v2/inventories/{productId}/transactions 200 400 404 409 413 415 422",
    ]);
  });

  test("says of every operation what it does, what it takes to call it and how it refuses", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation).toMatchObject({
          operationId: expect.any(String),
          summary: expect.any(String),
          security: expect.any(Array),
        });
        const writes = path.startsWith("/v2") && /^(create|delete)/.test(operation.operationId ?? "");
        const scope = path.startsWith("/v2") ? [{ token: [writes ? "inventory:write" : "inventory:read"] }] : [];
        expect(operation.security).toEqual(scope);
        for (const status of scope.length === 0 ? anyRefusals : [...anyRefusals, ...scopedRefusals]) {
          const content = { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } };
          expect(operation.responses[status]).toMatchObject({ content });
        }
        expect(operation.responses["503"]).toMatchObject({
          headers: { "Retry-After": { schema: { type: "integer" } } },
        });
      }
    }
  });

  test("names the brackets of pages and the idempotency key", () => {
    expect(parametersOf("/v2/inventories", "get")).toEqual(["query page[limit]", "query page[offset]"]);
    expect(parametersOf("/v2/inventories/{productId}/transactions", "post")).toEqual([
      "header Idempotency-Key",
      "path productId",
    ]);
  });

  test("describes the answers as they are", async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, "openapi");
    const product = newProduct();
    const path = pathOf(product);
    const create = { data: { quantity: 10 } };
    const increment = {
      data: {
        type: "stock-transaction",
        action: "increment",
        quantity: 1,
        reason: "received",
        reference: "PO-1",
        note: "n",
      },
    };
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: gateway.clientId,
      client_secret: gateway.clientSecret,
    });
    const calls: readonly (readonly [
      status: number,
      method: string,
      template: string,
      path: string,
      body?: unknown,
    ])[] = [
      [201, "POST", "/v2/inventories/{productId}", path, create],
      [409, "POST", "/v2/inventories/{productId}", path, create],
      [200, "GET", "/v2/inventories/{productId}", path],
      [200, "GET", "/v2/inventories", "/v2/inventories?page[limit]=1"],
      [400, "GET", "/v2/inventories", "/v2/inventories?page[limit]=x"],
      [
        200,
        "POST",
        "/v2/inventories/multiple",
        "/v2/inventories/multiple",
        { data: [{ id: product }, { id: "missing" }] },
      ],
      [200, "POST", "/v2/inventories/{productId}/transactions", `${path}/transactions`, increment],
      [
        422,
        "POST",
        "/v2/inventories/{productId}/transactions",
        `${path}/transactions`,
        { data: { ...increment.data, action: "deallocate" } },
      ],
      [200, "GET", "/v2/inventories/{productId}/transactions", `${path}/transactions`],
      [404, "GET", "/v2/inventories/{productId}/transactions/{transactionId}", `${path}/transactions/none`],
      [200, "GET", "/.well-known/jwks.json", "/.well-known/jwks.json"],
      [200, "POST", "/oauth/access_token", "/oauth/access_token", form.toString()],
    ];
    for (const [status, method, template, url, body] of calls) {
      const headers: Record<string, string> = url.startsWith("/oauth")
        ? { "content-type": "application/x-www-form-urlencoded" }
        : {};
      const answer = await rest.send(method, url, { body, headers });
      const pointer = [
        "paths",
        template,
        method.toLowerCase(),
        "responses",
        String(status),
        "content",
        "application/json",
        "schema",
      ];
      const $ref = `openapi#/${pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
      const validate = ajv.compile({ $ref });
      expect([template, answer.status, validate(answer.body), validate.errors]).toEqual([template, status, true, null]);
    }
  });
});
