import { refusalCatalogue } from "../../src/inventory/errors.ts";
import type { StockErrorCode } from "../../src/inventory/errors.ts";
import type { Answer, Line, LineOutcome, Operation, SeenStock } from "./operation.ts";

/** Longer than a gateway may take for an answer. */
const requestTimeoutMs = 15_000;

const transactionFields = "id version availableAfter allocatedAfter";
const moveDocument = `
  mutation ($productId: ID!, $action: StockAction!, $quantity: Int!, $idempotencyKey: String, $expectedVersion: Int, $reference: String) {
    createStockTransaction(productId: $productId, action: $action, quantity: $quantity, idempotencyKey: $idempotencyKey,
                           expectedVersion: $expectedVersion, reference: $reference) { ${transactionFields} }
  }`;
const resultFields = `transaction { ${transactionFields} } error { code status available allocated version }`;
const batchDocument = `
  mutation ($transactions: [StockTransactionInput!]!, $policy: BatchPolicy!) {
    createStockTransactions(transactions: $transactions, policy: $policy) { ${resultFields} }
  }`;
const readDocument = `query ($productId: ID!) { stock(productId: $productId) { available allocated version } }`;
const deleteDocument = `mutation ($productId: ID!) { deleteStock(productId: $productId) { available allocated version } }`;
const keyDocument = `query ($key: String!) { stockTransactionByIdempotencyKey(idempotencyKey: $key) { ${resultFields} } }`;

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Puts an operation into a request: GraphQL or REST. */
function requestOf(operation: Operation): WireRequest {
  const graphql = (query: string, variables: object): WireRequest => ({
    path: "/graphql",
    headers: {},
    body: { query, variables },
  });
  switch (operation.kind) {
    case "graphql":
      return graphql(moveDocument, operation.lines[0]);
    case "batch":
      return graphql(batchDocument, { transactions: operation.lines, policy: operation.policy });
    case "read":
      return graphql(readDocument, { productId: operation.productId });
    case "delete":
      return graphql(deleteDocument, { productId: operation.productId });
    case "rest":
      return restRequestOf(operation.lines[0]);
  }
}

function restRequestOf({ productId, action, quantity, idempotencyKey, expectedVersion, reference }: Line): WireRequest {
  const data = { type: "stock-transaction", action: action.toLowerCase(), quantity, reference };
  return {
    path: `/v2/inventories/${encodeURIComponent(productId)}/transactions`,
    headers: idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey },
    body: { data: expectedVersion === null ? data : { ...data, expected_version: expectedVersion } },
  };
}

/** Sends an operation, and says what came back; never throws. */
export async function send(url: string, token: string, operation: Operation): Promise<Answer> {
  try {
    const { path, headers, body } = requestOf(operation);
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    return answerOf(operation, response.status, await response.text(), response.headers.get("retry-after"));
  } catch (error) {
    return { kind: "none", reason: reasonOf(error) };
  }
}

/** Asks by its idempotency key what became of a line. @returns null where nothing has @throws Error where nobody can say now */
export async function findByKey(url: string, token: string, key: string): Promise<LineOutcome | null> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: keyDocument, variables: { key } }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  const text = await response.text();
  const found = at(parse(text), "data", "stockTransactionByIdempotencyKey");
  if (response.status !== 200 || found === undefined || at(parse(text), "errors") !== undefined)
    throw new Error(`The key ${key} was not looked up: ${response.status} ${text}`);
  return found === null ? null : resultOf(found);
}

/** Reads an answer: its HTTP status and its body. */
export function answerOf(operation: Operation, status: number, text: string, retryAfter: string | null): Answer {
  const body = parse(text);
  if (status === 503 || status === 429) return turnedAway(at(body, "errors", 0), retryAfter);
  const fault: Answer = { kind: "fault", text: `${status} ${text.slice(0, 500)}` };
  if (operation.kind === "rest") return restAnswerOf(status, body) ?? fault;
  if (status !== 200) return fault;
  const error = at(body, "errors", 0);
  if (error !== undefined) return refusalOf(operation, error) ?? fault;
  switch (operation.kind) {
    case "graphql":
      return settled([appliedOf(at(body, "data", "createStockTransaction"))]) ?? fault;
    case "batch": {
      const results = at(body, "data", "createStockTransactions");
      return (Array.isArray(results) ? settled(results.map(resultOf)) : null) ?? fault;
    }
    case "read": {
      const stock = at(body, "data", "stock");
      return { kind: "read", stock: stock === null ? null : seenStockOf(stock) };
    }
    case "delete":
      return { kind: "deleted", stock: seenStockOf(at(body, "data", "deleteStock")) };
  }
}

function settled(outcomes: readonly (LineOutcome | null)[]): Answer | null {
  const known = outcomes.filter((outcome) => outcome !== null);
  return known.length === outcomes.length ? { kind: "settled", outcomes: known } : null;
}

function refusalOf({ kind }: Operation, error: unknown): Answer | null {
  const extensions = at(error, "extensions");
  const code = at(extensions, "code");
  if (code === "SERVICE_UNAVAILABLE" || code === "RATE_LIMITED") return turnedAway(error, null);
  if (!isStockErrorCode(code)) return null;
  if (kind === "delete") return { kind: "not-deleted", code };
  return settled([refusedOf(extensions)]);
}

function restAnswerOf(status: number, body: unknown): Answer | null {
  const id = at(body, "data", "id");
  if (status === 200 && typeof id === "string")
    return settled([{ kind: "applied", id, version: null, availableAfter: null, allocatedAfter: null }]);
  if (status === 404 || status === 409 || status === 422)
    return settled([{ kind: "refused", code: null, status, seen: null }]);
  return null;
}

function turnedAway(error: unknown, retryAfter: string | null): Answer {
  const seconds = retryAfter ?? at(error, "extensions", "retryAfterSeconds");
  return { kind: "turned-away", outcome: outcomeOf(error), saysWhen: Number(seconds) > 0 };
}

function outcomeOf(error: unknown): "not applied" | "unknown" | null {
  const outcome = at(error, "extensions", "outcome");
  return outcome === "not applied" || outcome === "unknown" ? outcome : null;
}

/** One line of a batch, or what a key was spent on. */
function resultOf(result: unknown): LineOutcome | null {
  const error = at(result, "error");
  return error === null || error === undefined ? appliedOf(at(result, "transaction")) : refusedOf(error);
}

function appliedOf(transaction: unknown): LineOutcome | null {
  const id = at(transaction, "id");
  if (typeof id !== "string") return null;
  return {
    kind: "applied",
    id,
    version: numberAt(transaction, "version"),
    availableAfter: numberAt(transaction, "availableAfter"),
    allocatedAfter: numberAt(transaction, "allocatedAfter"),
  };
}

function refusedOf(error: unknown): LineOutcome | null {
  const code = at(error, "code");
  const status = numberAt(error, "status");
  if (!isStockErrorCode(code) || status === null) return null;
  const [available, allocated, version] = ["available", "allocated", "version"].map((name) => numberAt(error, name));
  return {
    kind: "refused",
    code,
    status,
    seen: { available: available ?? null, allocated: allocated ?? null, version: version ?? null },
  };
}

function seenStockOf(stock: unknown): SeenStock {
  const numberOf = (name: string): number => numberAt(stock, name) ?? Number.NaN;
  return { available: numberOf("available"), allocated: numberOf("allocated"), version: numberOf("version") };
}

function numberAt(value: unknown, name: string): number | null {
  const number = at(value, name);
  return typeof number === "number" ? number : null;
}

function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** Whether it names one of the domain's refusals. */
function isStockErrorCode(code: unknown): code is StockErrorCode {
  return typeof code === "string" && Object.hasOwn(refusalCatalogue, code);
}
