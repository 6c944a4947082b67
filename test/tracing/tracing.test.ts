import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { Client } from "pg";
import { Metrics } from "../../src/metrics/metrics.ts";
import { Tracing } from "../../src/tracing/tracing.ts";
import { eventually } from "../start/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import type { ReceivedSpan } from "../support/otlp-receiver.ts";
import { Shop } from "../support/shop.ts";

const caller = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" };
const sampled = `00-${caller.trace}-${caller.span}-01`;
const notSampled = `00-${caller.trace}-${caller.span}-00`;

let receiver: OtlpReceiver;
const log: string[] = [];

beforeEach(async () => {
  log.length = 0;
  receiver = await OtlpReceiver.open();
});

afterEach(() => receiver.close());

/** A gateway that is traced. What it has done is received when it is closed. */
function open(options: { readonly sampleRatio?: number; readonly metrics?: Metrics } = {}): Promise<TestGateway> {
  const logger = pino({ level: "info" }, { write: (line) => void log.push(line) });
  const { sampleRatio = 0 } = options;
  const endpoint = new URL(`${receiver.url}/v1/traces`);
  const headers = { authorization: "Bearer collector-hunter2" };
  const tracing = new Tracing("1.2.3", { endpoint, headers, serviceName: "stock", sampleRatio }, logger);
  return startTestGateway({ tracing, logger, metrics: options.metrics });
}

interface Asked {
  readonly token: string;
  readonly body: object;
  readonly path?: string;
  readonly traceparent?: string;
}

async function post(gateway: TestGateway, { token, body, path = "/graphql", traceparent }: Asked): Promise<unknown> {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-request-id": "request-1",
      authorization: `Bearer ${token}`,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    // It comes in many pieces, the last of them long after the headers.
    body: JSON.stringify(body) + " ".repeat(500_000),
  });
  return response.json();
}

function receive(productId: string): { query: string; variables: object } {
  const query =
    "mutation Receive($productId: ID!) { createStockTransaction(productId: $productId, action: INCREMENT, quantity: 1) { version } }";
  return { query, variables: { productId } };
}

/**
 * Has the group that writes of a product wait. For a lock it would wait half a second, and then others would go before it; a
 * statement may take seconds.
 */
async function stall(
  gateway: TestGateway,
  productId: string,
): Promise<{ readonly isWaitedFor: () => Promise<boolean>; readonly release: () => Promise<void> }> {
  const client = new Client({ connectionString: gateway.databaseUrl });
  await client.connect();
  await client.query("SELECT pg_advisory_lock(1)");
  await client.query(`
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.005); END LOOP;
      RETURN NEW;
    END $$;
    CREATE TRIGGER wait BEFORE INSERT ON stock_transaction FOR EACH ROW WHEN (NEW.product_id = '${productId}') EXECUTE FUNCTION wait()`);
  const waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
  return {
    isWaitedFor: async () => (await client.query(waiting)).rowCount === 1,
    release: () => client.end(),
  };
}

/** Somebody else who holds a stock. */
async function hold(
  gateway: TestGateway,
  productId: string,
): Promise<{
  /** Since when somebody waits for it; null: nobody does. */
  readonly waitedForSince: () => Promise<string | null>;
  readonly release: () => Promise<void>;
}> {
  const client = new Client({ connectionString: gateway.databaseUrl });
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM stock WHERE product_id = $1 FOR UPDATE", [productId]);
  const waiting =
    "SELECT query_start::text AS since FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  const waitedForSince = async (): Promise<string | null> => {
    // Otherwise the transaction goes on seeing what it saw first.
    await client.query("SELECT pg_stat_clear_snapshot()");
    return (await client.query<{ since: string }>(waiting)).rows[0]?.since ?? null;
  };
  return {
    waitedForSince,
    release: async () => {
      await client.query("COMMIT");
      await client.end();
    },
  };
}

/** The parts of a span by their names, and theirs; without the looks now and then at the clock and whether the client may still do that. */
function treeOf(root: ReceivedSpan): object {
  const isNowAndThen = ({ attributes }: ReceivedSpan): boolean =>
    /FROM "public"."api_client"|^SELECT clock_timestamp/.test(String(attributes["db.query.text"]));
  const parts = receiver.spans.filter((span) => span.parentSpanId === root.spanId && !isNowAndThen(span));
  return { [root.name]: parts.map((part) => treeOf(part)) };
}

function only(name: string): ReceivedSpan {
  const [span, ...others] = receiver.spans.filter((each) => each.name === name);
  if (span === undefined || others.length > 0) throw new Error(`${others.length + 1} spans or none: ${name}`);
  return span;
}

const group = { group: [{ BEGIN: [] }, { WITH: [] }, { WITH: [] }, { COMMIT: [] }] };

test("a mutation is one trace, its caller's: request, operation, group, statements", async () => {
  const gateway = await open();
  const token = await gateway.token();
  await post(gateway, { token, body: receive("hat"), traceparent: sampled });
  await gateway.close();

  expect(treeOf(only("POST /graphql"))).toEqual({
    "POST /graphql": [{ "mutation createStockTransaction": [group] }],
  });
  expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([caller.trace]));
  expect(only("POST /graphql")).toMatchObject({
    parentSpanId: caller.span,
    kind: "SERVER",
    failed: false,
    attributes: {
      "http.request.method": "POST",
      "http.route": "/graphql",
      "http.response.status_code": 200,
      "inventory.request.id": "request-1",
      "inventory.client.id": gateway.clientId,
      "inventory.outcome": "OK",
    },
  });
  const operation = only("mutation createStockTransaction");
  expect(operation.attributes).toEqual({
    "graphql.operation.type": "mutation",
    "graphql.operation.name": "Receive",
    "inventory.outcome": "OK",
  });
  expect(operation.links).toEqual([only("group").spanId]);
  expect(only("group").attributes).toEqual({ "inventory.group.commands": 1, "inventory.group.batches": 1 });
  expect(only("COMMIT")).toMatchObject({
    kind: "CLIENT",
    attributes: { "db.system.name": "postgresql", "db.query.text": "COMMIT" },
  });
  expect(receiver.resources[0]).toEqual({ "service.name": "stock", "service.version": "1.2.3" });
  expect(receiver.requests[0]).toMatchObject({
    path: "/v1/traces",
    headers: { "content-type": "application/x-protobuf", authorization: "Bearer collector-hunter2" },
  });
  const line = log.find((each) => each.includes('"operation"')) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({ msg: "request", trace: caller.trace });
});

test("every request that one group carries has a link to it, whose trace it is a part of or not", async () => {
  const metrics = new Metrics("1");
  const gateway = await open({ sampleRatio: 1, metrics });
  const token = await gateway.token();
  await post(gateway, { token, body: receive("hat"), traceparent: notSampled });
  const holder = await stall(gateway, "hat");
  // While it waits the others come together.
  const first = post(gateway, { token, body: receive("hat"), traceparent: notSampled });
  await eventually("the group that waits", holder.isWaitedFor);
  const others = ["a", "b", "c"].map((productId) => post(gateway, { token, body: receive(productId) }));
  const unwatched = post(gateway, { token, body: receive("d"), traceparent: notSampled });
  await eventually("those that wait", async () => /^inventory_queue_commands 4$/m.test(await metrics.read()));
  await holder.release();
  await Promise.all([first, unwatched, ...others]);
  await gateway.close();

  const operations = receiver.spans.filter(({ name }) => name === "mutation createStockTransaction");
  expect(operations).toHaveLength(3);
  expect(new Set(operations.map(({ traceId }) => traceId)).size).toBe(3);
  expect(only("group").attributes).toEqual({ "inventory.group.commands": 4, "inventory.group.batches": 4 });
  expect(operations.map(({ links }) => links)).toEqual(operations.map(() => [only("group").spanId]));
  expect(operations.map(({ spanId }) => spanId)).toContain(only("group").parentSpanId);
});

test("a group of others', in between, is no part of a request that goes on", async () => {
  const metrics = new Metrics("1");
  const gateway = await open({ metrics });
  const token = await gateway.token();
  await post(gateway, { token, body: receive("hat"), traceparent: notSampled });
  const holder = await stall(gateway, "hat");
  const field = (alias: string, productId: string): string =>
    `${alias}: createStockTransaction(productId: "${productId}", action: INCREMENT, quantity: 1) { version }`;
  const query = `mutation { ${field("first", "hat")} ${field("second", "scarf")} }`;
  const long = post(gateway, { token, body: { query }, traceparent: sampled });
  await eventually("the group that waits", holder.isWaitedFor);
  const between = post(gateway, { token, body: receive("glove"), traceparent: notSampled });
  await eventually("the one between", async () => /^inventory_queue_commands 1$/m.test(await metrics.read()));
  await holder.release();
  await Promise.all([long, between]);
  await gateway.close();

  expect(treeOf(only("mutation (several)"))).toEqual({ "mutation (several)": [group, group] });
});

test("over REST the request itself has the link, and a query's statements are its operation's", async () => {
  const gateway = await open();
  const token = await gateway.token();
  const data = { type: "stock-transaction", action: "increment", quantity: 1 };
  const path = "/v2/inventories/hat/transactions";
  await post(gateway, { token, path, body: { data }, traceparent: sampled });
  await post(gateway, { token, body: { query: '{ stock(productId: "hat") { available } }' }, traceparent: sampled });
  await gateway.close();

  const request = only("POST /v2/inventories/:productId/transactions");
  expect(treeOf(request)).toEqual({ [request.name]: [group] });
  expect(request.links).toEqual([only("group").spanId]);
  expect(treeOf(only("POST /graphql"))).toEqual({ "POST /graphql": [{ "query stock": [{ SELECT: [] }] }] });
});

test("an attempt that fails shows by its SQLSTATE, and the next one by a link of its own", async () => {
  const gateway = await open();
  const token = await gateway.token();
  await post(gateway, { token, body: receive("hat") });
  const holder = await hold(gateway, "hat");
  const held = post(gateway, { token, body: receive("hat"), traceparent: sampled });
  let first: string | null = null;
  await eventually("the first attempt", async () => (first = await holder.waitedForSince()) !== null);
  await eventually("the second", async () => ![null, first].includes(await holder.waitedForSince()));
  await holder.release();
  await held;
  await gateway.close();

  const groups = receiver.spans.filter(({ name }) => name === "group");
  expect(groups.at(0)).toMatchObject({ failed: true, attributes: { "error.type": "StorageError" } });
  expect(groups.at(-1)).toMatchObject({ failed: false });
  expect(only("mutation createStockTransaction").links).toEqual(groups.map(({ spanId }) => spanId));
  const statement = receiver.spans.find(({ failed, kind }) => failed && kind === "CLIENT");
  expect(statement?.attributes).toMatchObject({ "db.response.status_code": "55P03", "error.type": "55P03" });
});

test("what is refused, what fails and what is broken is told by its code, and no argument's value leaves the gateway", async () => {
  const gateway = await open();
  const token = await gateway.token();
  const database = new Client({ connectionString: gateway.databaseUrl });
  await database.connect();
  const ask = (body: object): Promise<unknown> => post(gateway, { token, body, traceparent: sampled });
  const sell = `mutation { createStockTransaction(productId: "hunter2", action: DECREMENT, quantity: 7) { version } }`;
  await ask({ query: sell });
  await ask({ query: "{ nothing }" });
  await database.query("ALTER TABLE stock_transaction ADD CONSTRAINT odd CHECK (note IS NULL) NOT VALID");
  const noted = receive("hunter2").query.replace("quantity: 1", 'quantity: 1, note: "hunter2-note"');
  await ask({ query: noted, variables: { productId: "hunter2" } });
  await ask({ query: "{", extensions: { secret: "hunter2" } });
  await post(gateway, { token: `${token}hunter2`, body: receive("hunter2"), traceparent: sampled });
  await database.end();
  await gateway.close();

  const outcomes = receiver.spans.filter(({ attributes }) => "inventory.error.code" in attributes);
  expect(outcomes.map(({ name, failed, attributes }) => [name, attributes["inventory.error.code"], failed])).toEqual([
    ["mutation createStockTransaction", "STOCK_NOT_FOUND", false],
    ["GraphQL", "GRAPHQL_VALIDATION_FAILED", false],
    ["mutation createStockTransaction", "INTERNAL_SERVER_ERROR", true],
    ["GraphQL", "GRAPHQL_PARSE_FAILED", false],
    ["GraphQL", "UNAUTHENTICATED", false],
  ]);
  const told = receiver.requests.map(({ body }) => body.toString("latin1")).join("");
  expect(told).toContain("POST /graphql");
  expect(told).not.toMatch(/hunter2/i);
  expect(told).not.toContain(token);
});

test("what the caller doesn't want traced isn't, nor more than the share that the settings say", async () => {
  const gateway = await open({ sampleRatio: 1 });
  const token = await gateway.token();
  await post(gateway, { token, body: receive("hat"), traceparent: notSampled });
  await post(gateway, { token, body: receive("hat"), traceparent: "00-nonsense" });
  await gateway.close();
  const asked = receiver.spans.filter(({ name }) => name === "POST /graphql");
  expect(asked.map(({ traceId, parentSpanId }) => [traceId === caller.trace, parentSpanId])).toEqual([[false, ""]]);

  receiver.spans.length = 0;
  const another = await open({ sampleRatio: 0 });
  await post(another, { token: await another.token(), body: receive("hat") });
  await another.close();
  expect(receiver.spans).toEqual([]);
});

test("without its collector the gateway works on, and says once that traces are lost", async () => {
  receiver.status = 400;
  const gateway = await open({ sampleRatio: 1 });
  const shop = await Shop.open(gateway);
  expect((await shop.move({ productId: "hat", action: "INCREMENT", quantity: 1 })).moved?.version).toBe(1);
  await gateway.close();
  const told = log.filter((line) => line.includes("Traces"));
  expect(told.map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: 40, msg: "Traces can't be sent: they are lost" },
  ]);
  expect(log.join("")).not.toContain("hunter2");
});
