import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "@jest/globals";
import { Client } from "pg";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";
import { auditLedger } from "../support/ledger-audit.ts";

/** An answer: its status, and its body as JSON has it; null where it is empty. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What is sent. A string or bytes go as they are, anything else as JSON. */
interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A gateway that is told nonsense, over both transports. It tracks `shirt`: 10 available, 5 allocated. */
export class Target {
  readonly gateway: TestGateway;
  readonly token: string;
  readonly #database: Client;

  private constructor(gateway: TestGateway, token: string, database: Client) {
    this.gateway = gateway;
    this.token = token;
    this.#database = database;
  }

  static async open(options: TestGatewayOptions = {}): Promise<Target> {
    const gateway = await startTestGateway({ introspection: "token", ...options });
    const database = new Client({ connectionString: gateway.databaseUrl });
    await database.connect();
    const target = new Target(gateway, await gateway.token(), database);
    for (const [action, quantity] of [
      ["CREATE", 15],
      ["ALLOCATE", 5],
    ] as const)
      await target.move({ productId: "shirt", action, quantity });
    return target;
  }

  async close(): Promise<void> {
    deepEqual(await auditLedger(this.gateway.databaseUrl), []);
    await this.#database.end();
    await this.gateway.close();
  }

  async send(path: string, { method = "POST", body, headers = {} }: Sent = {}): Promise<Answer> {
    const given = typeof body === "string" || body instanceof Uint8Array || body === undefined;
    const response = await fetch(this.gateway.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: given ? body : JSON.stringify(body) }),
    });
    return read(response.status, await response.text());
  }

  /** Asks as a page of a stranger's could, but for the token. */
  async get(path: string): Promise<Answer> {
    const response = await fetch(this.gateway.url + path, { headers: { authorization: `Bearer ${this.token}` } });
    return read(response.status, await response.text());
  }

  /** Sends a document with its variables. */
  async graphql(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send("/graphql", { body: { query, variables }, headers });
  }

  /** Asks for one stock transaction over GraphQL. */
  async move(variables: object, headers: Record<string, string> = {}): Promise<Answer> {
    return this.graphql(moveDocument, variables, headers);
  }

  /** The same over REST. */
  async moveOverRest(productId: string, data: object, headers: Record<string, string> = {}): Promise<Answer> {
    const body = { data: { type: "stock-transaction", ...data } };
    return this.send(`/v2/inventories/${encodeURIComponent(productId)}/transactions`, { body, headers });
  }

  /** Sends bytes on a connection of their own, and reads until the server closes it. */
  async sendBytes(bytes: string | Buffer): Promise<Answer> {
    const { hostname, port } = new URL(this.gateway.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(bytes);
    const answer = await text(socket);
    const [head = "", ...rest] = answer.split("\r\n\r\n");
    return read(Number(head.split(" ")[1]), rest.join("\r\n\r\n"));
  }

  /** Every row of stock, ledger, deletions and keys, in one order. */
  async state(): Promise<unknown> {
    const tables = ["stock", "stock_transaction", "stock_deletion", "spent_key"];
    const columns = tables.map((name) => `(SELECT json_agg(t ORDER BY t::text) FROM ${name} t) AS ${name}`);
    return (await this.#database.query<Record<string, unknown>>(`SELECT ${columns.join(", ")}`)).rows[0];
  }

  /** Does something that must leave stock, ledger and keys as they are. */
  async withoutEffect<T>(work: () => Promise<T>): Promise<T> {
    const before = await this.state();
    const result = await work();
    deepEqual(await this.state(), before);
    return result;
  }
}

const moveDocument = `
mutation Move($productId: ID!, $action: StockAction!, $quantity: Int!, $idempotencyKey: String, $reference: String, $note: String) {
  createStockTransaction(productId: $productId, action: $action, quantity: $quantity, idempotencyKey: $idempotencyKey,
                         reference: $reference, note: $note) { version availableAfter allocatedAfter }
}`;

function read(status: number, body: string): Answer {
  return { status, body: body === "" ? null : JSON.parse(body) };
}

/** A document that names no operation worth its answer: HTTP 400 in GraphQL's shape. */
export function documentRefusal(message: unknown, code = "BAD_USER_INPUT"): Answer {
  const locations = expect.any(Array);
  return { status: 400, body: { errors: [{ message, locations, extensions: { code, status: 400 } }] } };
}

/** A value that the domain refuses: HTTP 200, and the field's name. */
export function inputRefusal(field: string, message: unknown): Answer {
  return errorEntry(message, { code: "BAD_USER_INPUT", status: 400, field });
}

/** An entry of `errors` in place of the mutation's answer. */
export function errorEntry(message: unknown, extensions: object): Answer {
  const path = ["createStockTransaction"];
  return {
    status: 200,
    body: { errors: [{ message, locations: [{ line: 3, column: 3 }], path, extensions }], data: null },
  };
}

/** GraphQL's answer to what is no GraphQL request. */
export function requestRefusal(status: number, message: unknown, code: string): Answer {
  return { status, body: { errors: [{ message, extensions: { code, status } }] } };
}

const titles: Readonly<Record<number, string>> = {
  400: "Validation Error",
  401: "Unable to validate access token",
  403: "Forbidden",
  404: "Not Found",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  422: "Cannot complete request",
  431: "Request Header Fields Too Large",
};

/** A refusal in the vendor's envelope. */
export function restRefusal(status: number, detail?: unknown): Answer {
  const title = titles[status];
  return { status, body: { errors: [detail === undefined ? { status, title } : { status, title, detail }] } };
}
