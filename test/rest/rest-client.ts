import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import type { TestGateway } from "../support/gateway.ts";

/** An answer of the REST API: every body is JSON, or empty. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface RestRequest {
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends requests to a gateway's REST API, with a token that may read and write unless the headers say otherwise. */
export class RestClient {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async of(gateway: TestGateway): Promise<RestClient> {
    return new RestClient(gateway.url, await gateway.token());
  }

  async send(method: string, path: string, { body, headers }: RestRequest = {}): Promise<RestAnswer> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (text !== "" && response.headers.get("content-type") !== "application/json; charset=utf-8")
      throw new Error(`${method} ${path} was answered with ${response.headers.get("content-type")}: ${text}`);
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
  }

  /** Sends the path and the headers exactly as given: fetch would normalise the one and join the others. */
  async sendRaw(
    method: string,
    path: string,
    headers: readonly (readonly [name: string, value: string])[] = [],
    body = "",
  ): Promise<readonly [status: number | undefined, body: unknown]> {
    const { hostname, port } = new URL(this.#url);
    const own = [
      ["Host", `${hostname}:${port}`],
      ["Authorization", `Bearer ${this.#token}`],
      ["Content-Length", String(Buffer.byteLength(body))],
    ];
    const type = body === "" ? [] : [["Content-Type", "application/json"]];
    const sent = request({ hostname, port, method, path, headers: [...own, ...type, ...headers].flat() });
    sent.end(body);
    const [response] = await once(sent, "response");
    return [response.statusCode, await json(response)];
  }

  /** Applies one stock transaction. */
  async apply(
    productId: string,
    action: string,
    quantity: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestAnswer> {
    const body = { data: { type: "stock-transaction", action, quantity } };
    return this.send("POST", `${pathOf(productId)}/transactions`, { body, headers });
  }

  /** The levels as anybody sees them: `[available, allocated]`, or null where the product is not tracked. */
  async levels(productId: string): Promise<readonly [available: number, allocated: number] | null> {
    const { status, body } = await this.send("GET", pathOf(productId));
    if (status === 404) return null;
    const { data } = body as { data: { available: number; allocated: number } };
    return [data.available, data.allocated];
  }
}

/** A product that no other test uses. */
export function newProduct(): string {
  return `sku-${randomUUID()}`;
}

/** Where a product's stock is. */
export function pathOf(productId: string): string {
  return `/v2/inventories/${encodeURIComponent(productId)}`;
}

/** The whole body of a refusal. */
export function refusal(status: number, title: string, detail?: string): object {
  return { errors: [detail === undefined ? { status, title } : { status, title, detail }] };
}

export const notFound = refusal(404, "Not Found", "The resource could not be found");
export const insufficient = refusal(
  422,
  "Cannot complete request",
  "Your request could not be completed due to insufficient stock levels",
);
